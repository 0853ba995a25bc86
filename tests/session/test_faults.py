"""An archive that fails, a rung that raises: a SOFT view stays, a turn goes on; HARD fits or says why."""

from __future__ import annotations

import logging

import pytest

from context_compaction import CannotCompact, Ladder, Policy, Session
from context_compaction.errors import ArchiveUnavailable
from context_compaction.policy import Rule, layered, truncating
from context_compaction.strategies import Scene, Strategy, Truncate
from context_compaction.testing.drafters import ScriptedDrafter
from context_compaction.view import View
from tests.session.talks import INPUT, dicts, filling, session, size, turns
from tests.session.waiting import background_done
from tests.windows import user


def full(*_: object) -> None:
    raise ArchiveUnavailable("the disk is full")


def break_archive(s: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on nothing of a compaction can be written."""
    monkeypatch.setattr(s._archive, "commit", full)
    monkeypatch.setattr(s._archive, "note", full)


def test_a_background_commit_that_fails_costs_the_compaction_only(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The turn goes on with the view as it was, and a warning says why."""
    s = session(drafter=ScriptedDrafter(), post_turn="background", policy=Policy(post_turn=layered()))
    s.append(filling(900))
    s.after_turn()
    background_done(s)
    break_archive(s, monkeypatch)
    with caplog.at_level(logging.WARNING):
        assert dicts(s.context()) == filling(900)
    assert "disk is full" in caplog.text
    monkeypatch.undo()
    s.append(turns(80, 3, words=60))
    assert size(s.context()) <= INPUT


def test_after_a_turn_nothing_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """The event says what happened; a report of usage that cannot be kept is no error either."""
    s = session(policy=Policy(post_turn=layered()))
    s.append(filling(900))
    s.context()
    break_archive(s, monkeypatch)
    event = s.after_turn({"input_tokens": 900})
    assert event is not None
    assert (event.outcome, event.committed) == ("nothing_to_do", False)
    assert "disk is full" in event.reason
    assert s.view.version == 0
    monkeypatch.undo()
    assert s.after_turn() is None, "the attempt counts: the next one waits for growth"
    s.append(filling(300))
    assert s.after_turn() is not None
    assert s.view.version == 1
    assert [event.committed for event in s.events] == [True], "what the full disk refused is not there"


def test_a_soft_context_goes_on_without_its_compaction(monkeypatch: pytest.MonkeyPatch) -> None:
    """And is tried again as soon as there is something new."""
    s = session(policy=Policy(pre_turn=truncating(0.8)))
    s.append(filling(900))
    break_archive(s, monkeypatch)
    assert dicts(s.context()) == filling(900)
    monkeypatch.undo()
    s.append(user("more"))
    s.context()
    assert s.view.version == 1


def test_a_hard_context_that_cannot_be_archived_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing leaves the context that is not archived first: typed, the view as it was, and fine later on."""
    s = session()
    s.append(filling(1500))
    break_archive(s, monkeypatch)
    for _ in range(2):
        with pytest.raises(ArchiveUnavailable, match="disk is full"):
            s.context()
    assert s.view.version == 0
    monkeypatch.undo()
    assert size(s.context()) <= INPUT


def test_a_floor_that_does_not_fit_is_said_though_it_cannot_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """The archive's trouble does not hide what the caller can do something about."""
    s = session()
    s.append([{"role": "system", "content": "rule " * 1100}, user("hello")])
    break_archive(s, monkeypatch)
    with pytest.raises(CannotCompact, match="system messages 1104"):
        s.context()


def test_by_hand_an_archive_that_fails_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    s = session()
    s.append(filling(900))
    break_archive(s, monkeypatch)
    with pytest.raises(ArchiveUnavailable):
        s.compact()
    assert s.view.version == 0
    monkeypatch.undo()
    assert s.compact().committed


def test_an_append_that_fails_stores_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    s = session()
    s.append(user("one"))
    monkeypatch.setattr(s._archive, "append", full)
    with pytest.raises(ArchiveUnavailable):
        s.append([user("two"), user("three")])
    monkeypatch.undo()
    assert dicts(s.context()) == dicts(s.history()) == [user("one")]
    s.append(user("four"))
    assert dicts(s.context()) == dicts(s.history()) == [user("one"), user("four")]


class Breaking(Strategy):
    """A rung with a bug."""

    name = "breaking"

    def apply(self, scene: Scene) -> View:
        raise ZeroDivisionError("a bug in a rung")


class Losing(Strategy):
    """A rung that lets the newest user message go, which no rung may."""

    name = "losing"

    def apply(self, scene: Scene) -> View:
        return scene.view.without([scene.turn_start])


@pytest.mark.parametrize("rung", [Breaking(), Losing()], ids=lambda rung: rung.name)
def test_a_bad_rung_costs_soft_its_compaction(rung: Strategy) -> None:
    """The view stays, the event says which promise or what error, and the turn goes on."""
    s = session(policy=Policy.both(Rule(Ladder(rung), trigger=0.85, min_reclaim=0)))
    s.append(filling(900))
    assert dicts(s.context()) == filling(900)
    [event] = s.events
    assert (event.outcome, event.committed) == ("nothing_to_do", False)
    assert "ZeroDivisionError" in event.reason or "newest_user" in event.reason or "accounted" in event.reason


@pytest.mark.parametrize("rung", [Breaking(), Losing()], ids=lambda rung: rung.name)
def test_a_bad_rung_costs_hard_its_finesse(rung: Strategy) -> None:
    """Truncation alone brings it under the input; every promise holds."""
    s = session(policy=Policy.both(Rule(Ladder(rung, Truncate()), trigger=0.85, min_reclaim=0)))
    s.append(filling(1500))
    shown = s.context()
    assert size(shown) <= INPUT
    assert dicts(shown)[-1] == filling(1500)[-1]
    assert s.events[-1].committed
    assert s.events[-1].reason
