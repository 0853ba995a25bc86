"""One test for each outcome of a compaction: what its event says, and what became of the view."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from context_compaction import Budget, CannotCompact, CompactionEvent, FactCount, Policy, Session, compact
from context_compaction.policy import anchored, layered, masking, truncating
from context_compaction.testing.drafters import (
    CancellingDrafter,
    EmptyDrafter,
    HangingDrafter,
    RaisingDrafter,
    ScriptedDrafter,
    ThinkOnlyDrafter,
    TooLongDrafter,
    WrongNumberDrafter,
)
from tests.session.talks import INPUT, filling, session, size, turns, unblocked, wire
from tests.windows import WORDS, user

GOOD = "## Current State\n- the talk went on"
FACTS = [f"the file is src/module_{number}.py and costs ${number}00.50" for number in range(80)]
SAID = [user(" ".join(FACTS[first : first + 8])) for first in range(0, 80, 8)]
BAD_DRAFTERS = [
    (RaisingDrafter(), "no GPU"),
    (EmptyDrafter(), "empty"),
    (ThinkOnlyDrafter(), "reasoning"),
    (TooLongDrafter(), "cap"),
    (WrongNumberDrafter(), "2 drafts for 1"),
    (WrongNumberDrafter(0), "0 drafts for 1"),
    (HangingDrafter(deadline=0.05), "0.05"),
]


def soft(drafter: object = None, **options: Any) -> tuple[Session, CompactionEvent]:
    """A session and the event of its post-turn compaction on SOFT."""
    s = session(drafter=drafter, **options)
    s.append(filling(950))
    event = s.after_turn()
    assert event is not None
    assert s.events == [event]
    return s, event


def committed(s: Session, event: CompactionEvent) -> None:
    """The view is the event's: smaller by what it says, one version on."""
    assert event.committed
    assert event.tokens_before == 950
    assert event.tokens_saved == event.tokens_before - event.tokens_after > 0
    assert size(unblocked(s.context())) == event.tokens_after == s.stats.tokens_seen
    assert event.version == s.view.version == 1
    assert s.stats.tokens_saved == event.tokens_saved
    assert event.at_seq == s.stats.messages_said


def untouched(s: Session, event: CompactionEvent) -> None:
    """The view is as it was and nothing was written."""
    assert not event.committed
    assert (event.tokens_saved, event.tokens_after) == (0, event.tokens_before)
    assert (event.version, s.view.version, s.view.head) == (0, 0, ())
    assert s.stats.compactions == 0


def test_summarized_is_a_models_draft() -> None:
    s, event = soft(ScriptedDrafter(GOOD, name="model"))
    committed(s, event)
    assert (event.outcome, event.writer, event.fell_back_from, event.reason) == (
        "summarized",
        "model",
        (),
        "",
    )
    assert "the talk went on" in s.context()[0].text
    assert event.fidelity is not None


def test_reduced_is_without_a_model() -> None:
    """``drafter=None`` writes a summary all the same: writer ``extractive``, and nobody fell back."""
    s, event = soft()
    committed(s, event)
    assert (event.outcome, event.writer, event.fell_back_from) == ("reduced", "extractive", ())
    assert len(s.view.summaries) == 1


def test_reduced_is_what_a_ladder_without_drafter_does() -> None:
    s, event = soft(policy=Policy.truncating())
    committed(s, event)
    assert (event.outcome, event.writer, event.fidelity) == ("reduced", None, None)
    assert event.facts is None
    assert s.view.gaps


def test_a_target_not_reached_is_reduced_not_failed() -> None:
    """A tail of 80 % leaves no way down to a target of 10 %."""
    s, event = soft(policy=Policy.truncating(target=0.1, keep=0.8))
    committed(s, event)
    assert event.outcome == "reduced"
    assert event.tokens_after > 100


@pytest.mark.parametrize(("bad", "reason"), BAD_DRAFTERS, ids=lambda value: getattr(value, "name", ""))
def test_fell_back_names_who_failed_and_why(bad: ScriptedDrafter, reason: str) -> None:
    s, event = soft(bad)
    committed(s, event)
    assert (event.outcome, event.writer, event.fell_back_from) == ("fell_back", "extractive", (bad.name,))
    assert reason in event.reason


def test_the_users_own_model_is_next_in_the_chain() -> None:
    """Two configured drafters: the first one fails, the second one writes."""
    s, event = soft([RaisingDrafter(name="first"), ScriptedDrafter(GOOD, name="second")])
    committed(s, event)
    assert (event.outcome, event.writer, event.fell_back_from) == ("fell_back", "second", ("first",))


def test_a_draft_under_the_fidelity_floor_falls_back_to_extraction() -> None:
    """The model left every hard fact out and none is listed: its text is not used, and it is named."""
    s, event = full_of_facts(Policy.layered(facts_share=0.0))
    assert event.committed
    assert (event.outcome, event.writer, event.fell_back_from) == ("fell_back", None, ("vague",))
    assert "fidelity" in event.reason
    assert s.view.summaries == ()
    assert s.view.gaps


def full_of_facts(policy: Policy) -> tuple[Session, CompactionEvent]:
    """After a compaction by a model that leaves all the facts of ten messages out: 80 paths, 80 prices."""
    s = session(drafter=ScriptedDrafter(GOOD, name="vague"), policy=policy)
    s.append(SAID)
    s.append(filling(350))
    event = s.after_turn()
    assert event is not None
    return s, event


def test_what_a_model_left_out_is_listed_and_counted() -> None:
    """The same draft with the facts listed behind it, as many as fit: what is kept stands in the context."""
    s, event = full_of_facts(Policy.layered())
    assert (event.outcome, event.writer) == ("summarized", "vague")
    seen = "\n".join(message.text for message in s.context())
    kept = sum(value in seen for fact in FACTS for value in (fact.split()[3], fact.split()[-1]))
    assert event.removed > len(SAID), "all that have facts left"
    assert event.facts == FactCount(kept=kept, recallable=160 - kept, lost=0)
    assert event.fidelity == pytest.approx(kept / 160)
    assert 80 <= kept < 160
    again = CompactionEvent.from_json(json.loads(json.dumps(event.to_json())))
    assert (again.facts, s.events) == (event.facts, [event])


def test_without_an_archive_what_is_not_kept_is_lost() -> None:
    budget, messages = Budget(INPUT, reserve_tokens=0), [*SAID, *filling(350)]
    seen, event = compact(messages, budget=budget, drafter=ScriptedDrafter(GOOD), counter=WORDS)
    text = "\n".join(message.text for message in seen)
    kept = sum(value in text for fact in FACTS for value in (fact.split()[3], fact.split()[-1]))
    assert 0 < kept < 160
    assert event.facts == FactCount(kept=kept, recallable=0, lost=160 - kept)


def test_an_event_stored_before_facts_were_counted_still_loads() -> None:
    _, event = full_of_facts(Policy.layered())
    stored = event.to_json()
    del stored["facts"]
    assert CompactionEvent.from_json(stored) == replace(event, facts=None)


def test_cancelled_by_the_drafter_keeps_the_view_on_soft() -> None:
    s, event = soft(CancellingDrafter())
    untouched(s, event)
    assert (event.outcome, event.writer) == ("cancelled", None)
    assert "cancel" in event.reason


def test_cancelled_by_the_drafter_still_fits_on_hard() -> None:
    s = session(drafter=CancellingDrafter())
    s.append(filling(1500))
    assert size(s.context()) <= INPUT
    event = s.events[-1]
    assert (event.level, event.committed, event.writer) == ("hard", True, None)


def test_nothing_to_do_when_nothing_may_leave() -> None:
    """One message over the trigger: the newest user message stays."""
    s = session()
    s.append(user("word " * 900))
    before = wire(s.context())
    event = s.after_turn()
    assert event is not None
    untouched(s, event)
    assert event.outcome == "nothing_to_do"
    assert event.reason
    assert wire(s.context()) == before


def test_nothing_to_do_when_less_than_min_reclaim_would_be_freed() -> None:
    s, event = soft(policy=Policy.truncating(target=0.89, min_reclaim=("tokens", 900)))
    untouched(s, event)
    assert event.outcome == "nothing_to_do"
    assert "min_reclaim (900)" in event.reason


def test_infeasible_is_a_floor_that_does_not_fit() -> None:
    s = session()
    s.append([{"role": "system", "content": "rule " * 1100}, user("hello")])
    with pytest.raises(CannotCompact):
        s.context()
    [event] = s.events
    untouched(s, event)
    assert (event.outcome, event.level) == ("infeasible", "hard")
    assert dict(event.items)["system messages"] == 1104
    assert "must stay" in event.reason


def test_skipped_budget_goes_on_to_extract() -> None:
    """At an input of 500 a summary could have 75 tokens: not asked for, whole messages stay instead."""
    drafter = ScriptedDrafter(GOOD)
    s = session(window=500, drafter=drafter)
    s.append(turns(1, 9, words=21))
    event = s.after_turn()
    assert event is not None
    assert event.committed
    assert (event.outcome, event.writer, event.fell_back_from) == ("skipped_budget", None, ())
    assert drafter.calls == 0
    assert "less than 96" in event.reason
    ran = [report.rung for report in event.rungs if report.tokens_after < report.tokens_before]
    assert ran == ["extract"]
    assert event.tokens_after <= 250


def test_skipped_budget_without_any_gain_changes_nothing() -> None:
    s = session(window=500, policy=Policy(post_turn=anchored(keep=("tokens", 440), min_reclaim=0)))
    s.append([*turns(1, 1, words=10), user("word " * 410)])
    event = s.after_turn()
    assert event is not None
    untouched(s, event)
    assert event.outcome == "skipped_budget"


def test_a_summary_longer_than_its_source_is_rejected() -> None:
    """150 words for what had fewer: the draft is refused, whatever its quality."""
    longer = "\n".join(f"- line number {number} of a long winded text" for number in range(40))
    s, event = soft(ScriptedDrafter(longer, name="windy"))
    committed(s, event)
    assert (event.outcome, event.fell_back_from) == ("fell_back", ("windy",))
    assert "cap is" in event.reason
    assert "long winded" not in s.context()[0].text


def test_masking_reports_each_rung() -> None:
    """Before and after of every rung that ran, in order, adding up to the whole."""
    call = {"id": "c1", "type": "function", "function": {"name": "read_file", "arguments": "{}"}}
    s = session(policy=Policy(post_turn=masking(keep_results=0)))
    s.append([user("read it"), {"role": "assistant", "content": None, "tool_calls": [call]}])
    s.append([{"role": "tool", "tool_call_id": "c1", "content": "line " * 800}, *turns(1, 1)])
    event = s.after_turn()
    assert event is not None
    assert event.outcome == "reduced"
    assert event.edited == 1
    sizes = [event.tokens_before, *(report.tokens_after for report in event.rungs)]
    assert [report.tokens_before for report in event.rungs] == sizes[:-1]
    assert sizes[-1] == event.tokens_after
    assert event.rungs[-1].rung == "clear_tool_results"


def test_edited_messages_that_leave_are_none_that_were_edited() -> None:
    """What an earlier compaction edited does not count, neither while it stays nor when it goes."""
    call = {"id": "c1", "type": "function", "function": {"name": "read_file", "arguments": "{}"}}
    s = session(policy=Policy(pre_turn=truncating(), post_turn=masking(keep_results=0)))
    s.append([user("read it"), {"role": "assistant", "content": None, "tool_calls": [call]}])
    s.append([{"role": "tool", "tool_call_id": "c1", "content": "line " * 800}, *turns(1, 1)])
    assert s.after_turn()
    s.append(turns(2, 12))
    s.context()
    last = s.events[-1]
    assert (last.trigger, last.committed) == ("pre_turn", True)
    assert not any(message.edited for message in s.context()), "it has left"
    assert (last.removed > 3, last.edited) == (True, 0)


def test_a_pre_turn_soft_never_asks_a_drafter() -> None:
    """Only what is cheap runs before a turn that still fits."""
    drafter = ScriptedDrafter(GOOD)
    s = session(drafter=drafter, policy=Policy(pre_turn=layered()))
    s.append(filling(950))
    s.context()
    assert drafter.calls == 0
    assert [event.outcome for event in s.events] == ["nothing_to_do"]
