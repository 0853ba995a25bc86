"""Switched off, by the preset or by the environment: the whole log, a warning, never an error."""

from __future__ import annotations

import logging

import pytest

from context_compaction import Budget, Policy, Session, compact
from context_compaction.policy import layered, off
from tests.session.talks import INPUT, dicts, filling, session, size, turns, wire
from tests.windows import WORDS

VARIABLE = "CONTEXT_COMPACTION_DISABLE"


def whole_log(s: Session, said: list[dict[str, object]], caplog: pytest.LogCaptureFixture) -> None:
    """Everything is shown, however long; over budget there is one warning and one event for it."""
    with caplog.at_level(logging.WARNING, logger="context_compaction"):
        assert dicts(s.context()) == said
        s.context()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "off" in caplog.text
    assert "word" not in caplog.text
    event = s.events[-1]
    assert (event.outcome, event.level, event.committed) == ("infeasible", "hard", False)
    assert event.tokens_before == event.tokens_after
    assert s.after_turn() is None


@pytest.mark.parametrize(
    "policy", [Policy.off(), Policy(pre_turn=off()), Policy(pre_turn=layered(), post_turn=off())]
)
def test_off_gives_the_whole_log_and_never_raises(policy: Policy, caplog: pytest.LogCaptureFixture) -> None:
    s = session(policy=policy)
    said = filling(INPUT * 3)
    s.append(said)
    whole_log(s, said, caplog)
    assert len(s.events) == 1


def test_off_under_budget_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    s = session(policy=Policy.off())
    s.append(filling(INPUT))
    assert size(s.context()) == INPUT
    assert s.events == []
    assert caplog.records == []


def test_the_environment_switches_off_what_was_compacted_and_back(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The whole log while it is set; the same view as before once it is not."""
    s = session()
    said = filling(1500)
    s.append(said)
    view = wire(s.context())
    events = len(s.events)
    monkeypatch.setenv(VARIABLE, "1")
    whole_log(s, said, caplog)
    monkeypatch.delenv(VARIABLE)
    assert wire(s.context()) == view
    assert len(s.events) == events + 1


def test_what_is_appended_meanwhile_is_in_the_view_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    s = session()
    s.append(filling(1500))
    before = dicts(s.context())
    monkeypatch.setenv(VARIABLE, "1")
    s.append(turns(70, 1))
    assert dicts(s.context()) == [*filling(1500), *turns(70, 1)]
    monkeypatch.delenv(VARIABLE)
    assert dicts(s.context()) == [*before, *turns(70, 1)]


@pytest.mark.parametrize("value", ["", "0"])
def test_zero_and_empty_do_not_switch_off(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, value)
    s = session()
    s.append(filling(1500))
    assert size(s.context()) <= INPUT


def test_by_hand_nothing_is_compacted_either(monkeypatch: pytest.MonkeyPatch) -> None:
    """All is off: the event says why nothing was done."""
    for policy in (Policy.off(), Policy.layered()):
        if policy.enabled:
            monkeypatch.setenv(VARIABLE, "1")
        s = session(policy=policy)
        s.append(filling(900))
        event = s.compact()
        assert (event.outcome, event.committed) == ("nothing_to_do", False)
        assert "off" in event.reason
        assert s.preview().tokens_after == 900
        assert s.view.version == 0


def test_stateless_use_is_off_too(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Preset and environment alike: all messages back, a warning and ``infeasible`` over budget."""
    budget = Budget(INPUT, reserve_tokens=0)
    said = filling(1500)
    shown, event = compact(said, budget=budget, policy=Policy.off(), counter=WORDS)
    assert (dicts(shown), event.outcome, event.committed) == (said, "infeasible", False)
    assert "off" in caplog.text
    monkeypatch.setenv(VARIABLE, "1")
    shown, event = compact(said, budget=budget, counter=WORDS)
    assert (dicts(shown), event.outcome, event.committed) == (said, "infeasible", False)
    shown, event = compact(filling(950), budget=budget, counter=WORDS)
    assert (dicts(shown), event.outcome) == (filling(950), "nothing_to_do")
