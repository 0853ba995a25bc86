"""Sizes, ladders, rules and presets: what can be said, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from context_compaction.errors import InvalidPolicy
from context_compaction.policy import (
    PRESETS,
    Ladder,
    Policy,
    Rule,
    anchored,
    extractive,
    layered,
    masking,
    off,
    truncating,
)
from context_compaction.policy.sizes import as_size, as_triggers, exceeds, in_tokens
from context_compaction.strategies import Clamp, Extract, StripReasoning, Summarize, Truncate


@pytest.mark.parametrize(
    ("given", "size"),
    [
        (0.5, ("fraction", 0.5)),
        (1.0, ("fraction", 1.0)),
        (4000, ("tokens", 4000)),
        (("tokens", 10), ("tokens", 10)),
        (("fraction", 1), ("fraction", 1.0)),
        (("messages", 20), ("messages", 20)),
    ],
)
def test_sizes_as_langchain_writes_them(given: Any, size: Any) -> None:
    assert as_size(given, "keep") == size


@pytest.mark.parametrize(
    "given",
    [1.5, -0.1, True, ("tokens", 0.5), ("fraction", 2), ("lines", 3), "half", None, ("messages", -1), ()],
)
def test_sizes_that_mean_nothing_are_named(given: Any) -> None:
    with pytest.raises(InvalidPolicy, match="keep is"):
        as_size(given, "keep")


def test_fractions_are_of_the_input() -> None:
    assert in_tokens(("fraction", 0.25), 1000) == 250
    assert in_tokens(("messages", 5), 1000) is None
    assert exceeds(("messages", 5), 1, 6, 1000)
    assert not exceeds(("tokens", 850), 850, 99, 1000)
    assert exceeds(("tokens", 850), 851, 1, 1000)


def test_a_list_of_triggers_fires_on_any() -> None:
    rule = Rule(Ladder(), trigger=[("tokens", 900), ("messages", 3)])
    assert as_triggers([0.5, 7]) == (("fraction", 0.5), ("tokens", 7))
    assert rule.fires(10, 4, 1000)
    assert rule.fires(901, 1, 1000)
    assert not rule.fires(900, 3, 1000)


@pytest.mark.parametrize(
    ("trigger", "target", "goal"),
    [
        (0.85, 0.5, 500),
        (("tokens", 400), 0.5, 0),
        (("messages", 50), 0.5, 0),
        (0.85, ("messages", 9), 0),
        (("tokens", 900), ("tokens", 300), 300),
    ],
)
def test_the_goal(trigger: Any, target: Any, goal: int) -> None:
    """In another unit than the trigger, or not below it, the target means: all but what is kept."""
    assert Rule(Ladder(), trigger=trigger, target=target).goal(1000) == goal


def test_a_target_in_messages_is_kept_too() -> None:
    assert Rule(Ladder(), target=("messages", 9)).kept() == (("fraction", 0.25), ("messages", 9))


def test_which_rungs_run_when() -> None:
    """Cheap: before the first that drafts. On SOFT nothing lossy runs in a ladder that drafts."""
    mixed = Ladder(StripReasoning(), Summarize(), Extract(), Truncate(), Clamp())
    assert [rung.name for rung in mixed.cheap()] == ["strip_reasoning"]
    assert [rung.name for rung in mixed.whole()] == ["strip_reasoning", "summarize", "extract"]
    plain = Ladder(StripReasoning(), Truncate())
    assert plain.cheap() == plain.whole() == plain.rungs


def test_what_is_no_rung_is_refused() -> None:
    with pytest.raises(InvalidPolicy, match="no rung"):
        Ladder("truncate")  # type: ignore[arg-type]
    with pytest.raises(InvalidPolicy, match="no rule"):
        Policy(pre_turn="layered")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rule", "trigger", "target", "keep"),
    [
        (layered(), 0.85, 0.5, 0.25),
        (masking(), 0.85, 0.5, 0.25),
        (truncating(), 0.90, 0.5, 0.25),
        (extractive(), 0.75, 0.5, 0.40),
        (anchored(), 0.85, 0.70, 0.50),
    ],
)
def test_presets_have_the_numbers_of_the_design(
    rule: Rule, trigger: float, target: float, keep: float
) -> None:
    assert rule.trigger == (("fraction", trigger),)
    assert (rule.target, rule.keep) == (("fraction", target), ("fraction", keep))
    assert rule.min_reclaim == ("fraction", 0.05)


def test_policies_by_name_and_by_hand() -> None:
    assert list(PRESETS) == ["layered", "masking", "truncating", "extractive", "anchored", "off"]
    for name in PRESETS:
        policy = Policy.named(name)
        assert policy.pre_turn is not None
        assert policy.pre_turn.name == name
        assert policy.enabled == (name != "off")
    both = Policy(pre_turn=anchored(0.85), post_turn=extractive(0.75))
    assert both.recall_share is None
    assert Policy.layered(trigger=("tokens", 10), recall_share=("fraction", 0.1)).recall_share == (
        "fraction",
        0.1,
    )
    assert not Policy(pre_turn=off()).enabled
    with pytest.raises(InvalidPolicy, match="no preset"):
        Policy.named("magic")
