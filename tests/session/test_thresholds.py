"""When a session compacts: at the trigger and at the input budget, before a turn and after it alike."""

from __future__ import annotations

from typing import Any

import pytest

from context_compaction import CannotCompact, InvalidPolicy, Policy, Usage, acompact, compact
from context_compaction.policy import Rule, layered, truncating
from tests.session.talks import INPUT, filling, session, size, turns, wire
from tests.windows import user

TRIGGER = 900
"""What `truncating` fires over at an input of 1000 tokens."""


def pre(rule: Rule, tokens: int) -> list[str]:
    """Levels of the attempts that a context of so many tokens gives."""
    with session(policy=Policy(pre_turn=rule)) as s:
        s.append(filling(tokens))
        assert s.stats.tokens_seen == tokens
        s.context()
        return [event.level for event in s.events]


def post(rule: Rule, tokens: int) -> list[str]:
    """The same after a turn."""
    with session(policy=Policy(post_turn=rule)) as s:
        s.append(filling(tokens))
        s.after_turn()
        return [event.level for event in s.events]


@pytest.mark.parametrize(
    "rule", [truncating(), layered(0.9), layered(("tokens", TRIGGER))], ids=lambda rule: rule.name
)
@pytest.mark.parametrize(("tokens", "fires"), [(TRIGGER - 1, False), (TRIGGER, False), (TRIGGER + 1, True)])
def test_soft_fires_over_the_trigger_and_both_sides_agree(rule: Rule, tokens: int, fires: bool) -> None:
    """Not at the trigger, not one under it: one over."""
    expected = ["soft"] if fires else []
    assert pre(rule, tokens) == expected
    assert post(rule, tokens) == expected


@pytest.mark.parametrize(("tokens", "fires"), [(INPUT - 1, False), (INPUT, False), (INPUT + 1, True)])
def test_the_input_budget_is_a_boundary_of_its_own(tokens: int, fires: bool) -> None:
    """With a trigger of 1.0 nothing happens up to the input; one over is HARD before a turn, SOFT after."""
    assert pre(truncating(1.0), tokens) == (["hard"] if fires else [])
    assert post(truncating(1.0), tokens) == (["soft"] if fires else [])


@pytest.mark.parametrize("messages", [4, 5, 6])
def test_a_trigger_in_messages_is_as_exact(messages: int) -> None:
    """Over five messages: at six."""
    said = [user(f"word {number}") for number in range(messages)]
    for side in ("pre_turn", "post_turn"):
        with session(
            policy=Policy(**{side: truncating(("messages", 5), min_reclaim=0, keep=("messages", 2))})  # pyright: ignore[reportArgumentType]
        ) as s:
            s.append(said)
            s.context()
            s.after_turn()
            assert [event.level for event in s.events] == (["soft"] if messages == 6 else [])


def test_hard_ends_inside_the_input_budget() -> None:
    """One token over is enough to act, and what comes out fits."""
    with session(policy=Policy(pre_turn=truncating(1.0))) as s:
        s.append(filling(INPUT + 1))
        assert size(s.context()) <= INPUT
        assert s.events[-1].tokens_before == INPUT + 1
        assert s.events[-1].committed


def test_without_a_pre_turn_rule_hard_still_fits() -> None:
    """``pre_turn=None`` does nothing on SOFT, and truncates and clamps on HARD."""
    with session(policy=Policy(post_turn=layered())) as s:
        s.append(filling(INPUT))
        s.context()
        assert s.events == []
        s.append(turns(50, 2))
        assert size(s.context()) <= INPUT
        assert [(event.level, event.outcome, event.committed) for event in s.events] == [
            ("hard", "reduced", True)
        ]


def test_without_a_post_turn_rule_nothing_happens_after_a_turn() -> None:
    with session(policy=Policy(pre_turn=layered())) as s:
        s.append(filling(INPUT * 2))
        assert s.after_turn() is None
        assert s.events == []


def test_overhead_takes_its_room_from_the_input() -> None:
    """The same log fits without it, and is compacted under 300 tokens of tool schemas; the argument wins."""
    with session(policy=Policy(pre_turn=truncating(1.0))) as s:
        s.append(filling(INPUT - 100))
        assert size(s.context()) == INPUT - 100
        assert size(s.context(overhead=300)) <= INPUT - 300
        assert s.events[-1].level == "hard"


@pytest.mark.parametrize(("overhead", "fires"), [(None, False), (0, False), (300, True)])
def test_overhead_takes_its_room_after_a_turn_too(overhead: int | None, fires: bool) -> None:
    """What the next request carries beside the log is not there for the view to grow into."""
    with session(policy=Policy(post_turn=truncating(1.0))) as s:
        s.append(filling(INPUT - 100))
        s.after_turn(overhead=overhead)
        assert [event.committed for event in s.events] == ([True] if fires else [])


def threshold(tokens: Any) -> list[dict[str, Any]]:
    return [{"type": "compaction", "compact_threshold": tokens}]


@pytest.mark.parametrize(("tokens", "fires"), [(499, False), (500, False), (501, True)])
def test_a_provider_style_threshold_is_as_exact_and_may_draft(tokens: int, fires: bool) -> None:
    """``compact_threshold`` is the trigger of this call, and the whole ladder runs, drafts included."""
    with session() as s:
        s.append(filling(tokens))
        s.context(context_management=threshold(500))
        assert [event.committed for event in s.events] == ([True] if fires else [])
        assert len(s.view.summaries) == int(fires)


async def test_a_threshold_is_understood_without_an_archive_too() -> None:
    """By `compact` and its twin, as by sessions."""
    with session() as s:
        budget, counter = s._core.state.settings.budget, s._core.state.settings.counter
    for tokens, fires in ((500, False), (501, True)):
        options: dict[str, Any] = {"budget": budget, "counter": counter}
        _, event = compact(filling(tokens), context_management=threshold(500), **options)
        assert event.committed is fires
        _, twin = await acompact(filling(tokens), context_management=threshold(500), **options)
        assert twin.committed is fires
    with pytest.raises(InvalidPolicy, match="compact_threshold"):
        compact(filling(500), budget=budget, context_management=threshold(0))


def test_a_threshold_without_a_number_changes_nothing() -> None:
    with session() as s:
        s.append(filling(600))
        s.context(context_management=[{"type": "compaction"}])
        s.context(context_management=[])
        assert s.events == []


@pytest.mark.parametrize("bad", [0, -1, 1.5, True, "500"])
def test_a_threshold_that_means_nothing_is_refused(bad: Any) -> None:
    with session() as s, pytest.raises(InvalidPolicy, match="compact_threshold"):
        s.context(context_management=threshold(bad))


def test_an_unknown_edit_is_refused() -> None:
    with session() as s, pytest.raises(InvalidPolicy, match="clear_thinking"):
        s.context(context_management=[{"type": "clear_thinking"}])


def test_reported_usage_makes_hard_fire_earlier() -> None:
    """A provider that counts half as much again: what we would let pass is over its window."""
    with (
        session(policy=Policy(pre_turn=truncating(1.0))) as plain,
        session(policy=Policy(pre_turn=truncating(1.0))) as told,
    ):
        for s in (plain, told):
            for number in range(8):
                s.append(turns(number, 1))
                raw = size(s.context())
                s.after_turn(Usage(raw * 3 // 2) if s is told else None)
        assert plain.events == []
        assert [event.level for event in told.events] == ["hard"]


def test_hard_ends_under_input_by_the_larger_count() -> None:
    """After the report, a HARD context is small enough by the provider's count too."""
    with session(policy=Policy(pre_turn=truncating(1.0, target=0.95))) as s:
        for number in range(30):
            s.append(turns(number, 1))
            raw = size(s.context())
            assert raw <= INPUT
            if number > 5:
                assert raw * 3 <= 2 * INPUT * 1.02
            s.after_turn(Usage(raw * 3 // 2))
        assert {event.level for event in s.events} == {"hard"}


def test_usage_that_counts_less_never_lets_more_through() -> None:
    """The larger of both counts decides: a report of half is no licence to overflow."""
    with session(policy=Policy(pre_turn=truncating(1.0))) as s:
        for number in range(25):
            s.append(turns(number, 1))
            raw = size(s.context())
            assert raw <= INPUT
            s.after_turn(Usage(raw // 2))


def test_usage_is_compared_with_the_overhead_of_its_own_request() -> None:
    """500 tokens of tool schemas named per call are no reason to think that messages cost more."""
    with session(window=4000) as s:
        for number in range(6):
            s.append(turns(number, 1))
            s.after_turn(Usage(size(s.context(overhead=500)) + 500))
        assert s.stats.tokens_seen <= size(s.context()) * 1.02


def test_a_floor_over_the_input_is_itemised() -> None:
    """HARD gives up only with the list of what must stay."""
    with session(window=100) as s:
        s.append([{"role": "system", "content": "rule " * 200}, user("hello there")])
        with pytest.raises(CannotCompact) as caught:
            s.context()
        assert dict(caught.value.items)["system messages"] == 204
        assert caught.value.input_tokens == 100
        assert caught.value.floor_tokens > 100
        event = s.events[-1]
        assert (event.outcome, event.committed, event.items) == ("infeasible", False, caught.value.items)


def test_a_context_is_the_same_until_something_is_appended() -> None:
    """Idempotent under, over the trigger and on HARD: the same bytes, no further attempt."""
    for tokens in (500, 950, 1500):
        with session(policy=Policy.layered()) as s:
            s.append(filling(tokens))
            first = wire(s.context())
            events = s.events
            assert wire(s.context()) == first
            assert s.events == events
