"""A background compaction: drafted against a view, committed at a later call, dropped if the view moved."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import pytest

from context_compaction import Policy, Session, open_archive
from context_compaction.drafting.base import Draft, DraftRequest
from context_compaction.policy import layered, truncating
from context_compaction.session import core
from context_compaction.testing.drafters import (
    CancellingDrafter,
    HangingDrafter,
    RaisingDrafter,
    ScriptedDrafter,
)
from tests.session.talks import INPUT, dicts, filling, session, size, turns, wire
from tests.session.waiting import PATIENCE, HangsOnce, background_done
from tests.windows import user

POINTS = "## Current State\n- drafted behind"
BEHIND = Policy(post_turn=layered(fidelity_floor=0.0))
BOTH = Policy.layered(fidelity_floor=0.0)


def started(drafter: object, policy: Policy = BEHIND, **options: Any) -> Session:
    """A session with a background draft under way."""
    s = session(drafter=drafter, post_turn="background", policy=policy, **options)
    s.append(filling(900))
    assert s.after_turn() is None
    if isinstance(drafter, HangingDrafter):
        assert drafter.entered.wait(PATIENCE)
    return s


@pytest.mark.parametrize("call", ["context", "after_turn", "drain", "close"])
def test_a_finished_plan_is_committed_at_the_next_call(call: str) -> None:
    """Not before it: the view does not move by itself."""
    archive = open_archive(":memory:")
    s = session(archive, drafter=ScriptedDrafter(POINTS), post_turn="background", policy=BEHIND)
    s.append(filling(900))
    before = s.view
    s.after_turn()
    background_done(s)
    assert (s.view, s.events) == (before, [])
    getattr(s, call)()
    with session(archive) as again:
        [event] = again.events
        assert (event.trigger, event.outcome, event.committed) == ("post_turn", "summarized", True)
        assert again.view.version == 1
        assert "drafted behind" in again.context()[0].text
    archive.close()


def test_a_running_draft_delays_neither_append_nor_context() -> None:
    """They see the view as it is; what is appended meanwhile stays behind the summary."""
    drafter = HangingDrafter(POINTS)
    s = started(drafter)
    s.append([user("meanwhile"), user("and now?")])
    shown = dicts(s.context())
    assert shown == [*filling(900), user("meanwhile"), user("and now?")]
    assert not drafter.left.is_set()
    assert s.after_turn() is None
    drafter.release.set()
    background_done(s)
    after = s.context()
    assert "drafted behind" in after[0].text
    assert dicts(after)[-2:] == [user("meanwhile"), user("and now?")]
    [event] = s.events
    assert event.at_seq == s.stats.messages_said
    assert event.tokens_after == size(after)
    assert drafter.calls == 1


def test_it_is_dropped_when_the_view_moved() -> None:
    """A compaction by hand came first: nothing of the draft is ever shown, and nothing is reported twice."""
    drafter = HangsOnce(POINTS)
    s = started(drafter)
    work = s._core.ahead._work
    assert work is not None
    s.compact()
    drafter.release.set()
    assert work.done.wait(PATIENCE)
    s.append(turns(80, 1))
    s.context()
    s.drain()
    assert s.view.version == 1
    assert [event.trigger for event in s.events if event.committed] == ["manual"]


def test_it_is_dropped_when_a_turn_moved_the_view(caplog: pytest.LogCaptureFixture) -> None:
    """A pre-turn compaction on SOFT came first: the draft was made for a view that is gone."""
    drafter = HangingDrafter(POINTS)
    s = started(drafter, Policy(pre_turn=truncating(0.8), post_turn=layered(fidelity_floor=0.0)))
    shown = wire(s.context())
    assert s.view.version == 1
    drafter.release.set()
    background_done(s)
    assert wire(s.context()) == shown
    s.drain()
    assert [(event.trigger, event.committed) for event in s.events] == [("pre_turn", True)]
    assert caplog.records == [], "the archive had to refuse it"


def test_it_is_dropped_when_another_handle_moved_the_view(tmp_path: object) -> None:
    """Found out at the commit: the view stays whole, a warning tells, the session goes on."""
    archive = open_archive(":memory:")
    drafter = HangsOnce(POINTS)
    s = session(archive, drafter=drafter, post_turn="background", policy=BEHIND)
    s.append(filling(900))
    s.after_turn()
    assert drafter.entered.wait(PATIENCE)
    with session(archive, policy=Policy.truncating()) as other:
        assert other.compact().committed
        view = other.view
    drafter.release.set()
    background_done(s)
    s.context()
    s.append(turns(80, 3))
    s.compact()
    s.append(user("still here"))
    assert s.context()[-1].text == "still here"
    committed = [(event.version, event.trigger) for event in s.events if event.committed]
    assert committed[0] == (1, "manual")
    assert [version for version, _ in committed] == list(range(1, len(committed) + 1))
    assert archive.view(s._current(), 1) == view
    archive.close()


class Releasing(threading.Event):
    """Lets a drafter go the moment somebody waits for it."""

    def __init__(self, drafter: HangingDrafter) -> None:
        super().__init__()
        self.drafter = drafter
        self.waited = False

    def wait(self, timeout: float | None = None) -> bool:
        self.waited = True
        self.drafter.release.set()
        return super().wait(timeout)


def test_hard_waits_for_a_running_draft_and_uses_it() -> None:
    """Over the budget with the draft under way: it is awaited, and its one draft is enough."""
    drafter = HangingDrafter(POINTS)
    s = started(drafter)
    work = s._core.ahead._work
    assert work is not None
    done = work.done = Releasing(drafter)
    s.append(turns(80, 1, words=60))
    shown = s.context()
    assert done.waited
    assert size(shown) <= INPUT
    assert "drafted behind" in shown[0].text
    assert [(event.trigger, event.outcome) for event in s.events] == [("post_turn", "summarized")]
    assert drafter.calls == 1


def test_hard_cancels_a_draft_that_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the deadline it is told to stop, the context fits all the same, and the draft never shows up."""
    monkeypatch.setattr(core, "PRE_TURN_DEADLINE", 0.05)
    drafter = HangsOnce(["## Current State\n- too late"], seconds=3600)
    s = started(drafter, BOTH)
    s.append(turns(80, 1, words=60))
    shown = s.context()
    assert size(shown) <= INPUT
    assert drafter.left.wait(PATIENCE)
    s.append(user("next"))
    s.drain()
    assert "too late" not in wire(s.context()).decode()
    assert [event.trigger for event in s.events] == ["pre_turn"]


class Counting(HangingDrafter):
    """Counts how often it is entered, whatever becomes of it."""

    entries = 0

    def draft(self, requests: Sequence[DraftRequest], *, cancel: threading.Event) -> Sequence[Draft | str]:
        self.entries += 1
        return super().draft(requests, cancel=cancel)


@pytest.mark.parametrize("call", ["context", "compact"])
def test_a_draft_that_hangs_on_is_not_asked_a_second_time(call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cancelled in vain it is known to be busy: the next of the chain writes, no second deadline passes."""
    monkeypatch.setattr(core, "PRE_TURN_DEADLINE", 0.05)
    drafter = Counting(POINTS, ignore_cancel=True)
    s = started(drafter, BOTH)
    s.append(turns(80, 1, words=60))
    getattr(s, call)()
    assert (drafter.entries, drafter.left.is_set()) == (1, False)
    event = s.events[-1]
    assert (event.outcome, event.fell_back_from, event.committed) == ("fell_back", ("hanging",), True)
    assert "busy" in event.reason
    drafter.release.set()


def test_hard_uses_a_finished_plan_without_waiting() -> None:
    s = started(ScriptedDrafter(POINTS))
    background_done(s)
    s.append(turns(80, 1, words=60))
    assert "drafted behind" in s.context()[0].text
    assert [event.trigger for event in s.events] == ["post_turn"]


def test_drain_waits_and_commits() -> None:
    drafter = HangingDrafter(POINTS)
    s = started(drafter)
    work = s._core.ahead._work
    assert work is not None
    work.done = Releasing(drafter)
    s.drain()
    assert s.view.version == 1


@pytest.mark.parametrize("timeout", [0, 0.05])
def test_drain_cancels_what_takes_longer(timeout: float) -> None:
    """Nothing is lost: the log is ahead of it."""
    drafter = HangingDrafter(POINTS)
    s = started(drafter)
    s.drain(timeout)
    assert drafter.left.wait(PATIENCE)
    assert s._core.ahead._work is None
    assert (s.view.version, s.events) == (0, [])
    assert dicts(s.context()) == filling(900)


def test_close_cancels_what_is_not_finished() -> None:
    """It neither waits for the drafter nor loses a message."""
    archive = open_archive(":memory:")
    drafter = HangingDrafter(POINTS)
    s = started(drafter, archive=archive)
    s.close()
    assert drafter.left.wait(PATIENCE)
    with session(archive) as again:
        assert (again.view.version, again.events) == (0, [])
        assert dicts(again.history()) == filling(900)
    archive.close()


def test_close_does_not_wait_for_a_drafter_that_ignores_it() -> None:
    drafter = HangingDrafter(POINTS, ignore_cancel=True)
    s = started(drafter)
    s.close()
    assert not drafter.left.is_set()
    drafter.release.set()


def test_a_cancelled_draft_keeps_the_view_and_is_reported() -> None:
    s = started(CancellingDrafter())
    background_done(s)
    assert dicts(s.context()) == filling(900)
    assert [(event.outcome, event.committed) for event in s.events] == [("cancelled", False)]


def test_a_failed_draft_falls_back_behind_the_scenes() -> None:
    s = started(RaisingDrafter(name="broken"))
    background_done(s)
    s.context()
    [event] = s.events
    assert (event.outcome, event.writer, event.fell_back_from) == ("fell_back", "extractive", ("broken",))


def test_pins_set_while_it_was_drafted_are_in_the_view() -> None:
    """The plan is judged again on what holds at its commit."""
    drafter = HangingDrafter(POINTS)
    s = started(drafter)
    s.pin("m:1")
    drafter.release.set()
    background_done(s)
    text = s.context()[0].text
    assert '<pinned ref="m:1">question 1 word' in text
    assert "drafted behind" in text


def test_what_is_reported_meanwhile_does_not_change_the_plan() -> None:
    """Usage that arrives during the draft is for the next one: before and after are by one measure."""
    plain, told = (HangingDrafter(POINTS) for _ in range(2))
    plans = []
    for drafter in (plain, told):
        s = started(drafter)
        s.context()
        if drafter is told:
            s.append(user("more"))
            s.context()
            s.after_turn({"input_tokens": 1150})
        drafter.release.set()
        work = s._core.ahead._work
        assert work is not None
        assert work.done.wait(PATIENCE)
        assert work.plan is not None
        plans.append((work.plan.view, work.plan.event))
    assert plans[0] == plans[1]
