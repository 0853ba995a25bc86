"""`compare`: what it measures is what an application that did the same would have seen."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from context_compaction import (
    Budget,
    CannotCompact,
    Compared,
    InvalidBudget,
    InvalidMessage,
    InvalidPolicy,
    Message,
    Policy,
    Session,
    compare,
)
from context_compaction.policy import PRESETS, anchored, truncating
from context_compaction.testing.drafters import ScriptedDrafter
from context_compaction.text.facts import hard_facts
from tests.session.talks import turns
from tests.windows import WORDS, system, user

SECRET = "the file src/module_77.py costs $4711.50"
TALK = [system("Be brief."), user(SECRET), {"role": "assistant", "content": "Noted."}, *turns(1, 30)]
LIMIT = 600


def by_hand(policy: Policy) -> tuple[list[list[Message]], Session]:
    """Every request of the talk, and the session at its end."""
    s = Session(budget=Budget(LIMIT, reserve_tokens=0), policy=policy, counter=WORDS)
    requests: list[list[Message]] = []
    for place, message in enumerate(TALK):
        if message["role"] == "user" and place:
            s.after_turn()
        if message["role"] == "assistant":
            requests.append(s.context())
        s.append(message)
    return requests, s


def found(policy: Any, **options: Any) -> Compared:
    return compare(TALK, [policy], max_tokens=LIMIT, counter=WORDS, **options).rows[0]


@pytest.mark.parametrize("name", [name for name in PRESETS if name != "off"])
def test_it_counts_what_was_sent(name: str) -> None:
    """Requests, their tokens, the largest, how many begin as before; the course and the last context."""
    requests, s = by_hand(Policy.named(name))
    row = found(name)
    sizes = [WORDS.messages(request) for request in requests]
    said = [WORDS.messages(s.history()[:place]) for place, m in enumerate(TALK) if m["role"] == "assistant"]
    assert (row.policy, row.requests, row.refused) == (name, len(requests), 0)
    assert (row.tokens_seen, row.tokens_said, row.peak) == (sum(sizes), sum(said), max(sizes))
    assert row.saved == pytest.approx(1 - sum(sizes) / sum(said))
    assert row.peak <= LIMIT
    assert row.compactions == s.stats.compactions > 0
    assert row.timeline == s.report().timeline or row.timeline.points == s.report().timeline.points
    assert row.context == s.context()
    alike = 0
    for before, now in zip([[], *requests], requests, strict=False):
        same = [one == other for one, other in zip(before, now, strict=False)]
        alike += WORDS.messages(now[: [*same, False].index(False)])
    assert row.cacheable == pytest.approx(alike / sum(sizes))


def test_facts_are_those_that_the_last_context_has() -> None:
    """All with everything in it, none of the early ones once these have left."""
    facts = {fact.key for m in TALK for fact in hard_facts(m["content"], role=m["role"])}
    assert len(facts) == 2
    assert found("off").facts == 1.0
    gone = found("truncating")
    assert SECRET not in " ".join(message.text for message in gone.context)
    assert gone.facts == 0.0
    assert compare([user("hello")], ["off"], max_tokens=LIMIT).rows[0].facts is None


def test_off_is_the_whole_log_and_warns_of_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        row = found("off")
    assert (row.saved, row.compactions, row.refused) == (0.0, 0, 0)
    assert row.peak > LIMIT == row.timeline.input_tokens
    assert caplog.records == []


def test_a_floor_that_does_not_fit_is_counted() -> None:
    long = [user("hello"), {"role": "assistant", "content": "x " * 20}, user("y " * 50)]
    talk = [system("z " * 60), *long, {"role": "assistant", "content": "no"}]
    row = compare(talk, ["layered"], max_tokens=50, counter=WORDS).rows[0]
    assert (row.requests, row.refused, row.context) == (2, 2, [])
    s = Session(budget=Budget(50, reserve_tokens=0), counter=WORDS)
    s.append(talk)
    with pytest.raises(CannotCompact):
        s.context()


def test_a_drafter_writes_and_its_fidelity_is_told() -> None:
    drafter = ScriptedDrafter("## Current State\n- nothing", name="terse")
    talk, policy = turns(1, 80), Policy.anchored(fidelity_floor=0.0)
    row = compare(talk, [policy], max_tokens=3000, counter=WORDS, drafter=drafter).rows[0]
    assert drafter.calls > 0
    assert row.fidelity is not None
    assert {event.writer for event in row.timeline.compactions if event.writer} == {"terse"}
    assert found("truncating").fidelity is None


def test_policies_are_named_as_they_were_given() -> None:
    mixed = Policy(pre_turn=anchored(), post_turn=truncating())
    rows = compare(TALK[:3], ["layered", mixed, Policy.layered(), "layered"], max_tokens=LIMIT).rows
    assert [row.policy for row in rows] == ["layered", "anchored/truncating", "layered (2)", "layered (3)"]
    named = compare(TALK[:3], {"mine": mixed, "late": Policy.layered(trigger=0.95)}, max_tokens=LIMIT)
    assert [row.policy for row in named.rows] == ["mine", "late"]
    assert named["late"] is named.rows[1]
    with pytest.raises(KeyError):
        named["other"]
    everything = compare(TALK[:3], max_tokens=LIMIT)
    assert [row.policy for row in everything.rows] == list(PRESETS)


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(InvalidPolicy, match="no preset"):
        compare(TALK, ["layerd"], max_tokens=LIMIT)
    with pytest.raises(InvalidPolicy, match="no policy"):
        compare(TALK, [], max_tokens=LIMIT)
    with pytest.raises(InvalidBudget):
        compare(TALK, ["off"], max_tokens=0)
    with pytest.raises(InvalidMessage) as raised:
        compare([user("hello"), {"role": "nobody", "content": "x"}], ["off"], max_tokens=LIMIT)
    assert raised.value.index == 1


def test_its_display_has_every_row() -> None:
    result = compare(TALK, ["layered", "truncating", "off"], max_tokens=LIMIT, counter=WORDS)
    html = result._repr_html_()
    for row in result.rows:
        assert html.count(f">{row.policy}<") == 2, "in the table, and over its course"
        assert f"{row.tokens_seen:,}" in html
    assert f"{result['off'].peak:,} (over)" in html
