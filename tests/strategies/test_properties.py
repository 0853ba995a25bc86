"""What every rung promises, on conversations as bad as they come."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from context_compaction.messages import ToolCallBlock
from context_compaction.strategies import (
    Clamp,
    ClearToolResults,
    Deduplicate,
    Distill,
    DrafterStrategy,
    Extract,
    Rung,
    Scene,
    StripReasoning,
    Summarize,
    Truncate,
)
from context_compaction.view import Edited
from tests.builders import Dict, drafted, edits, problem, scene_of
from tests.histories import histories

RUNGS: tuple[Rung, ...] = (
    StripReasoning(),
    Deduplicate(),
    ClearToolResults(keep=1, long=(300, 100, 50)),
    Summarize(fidelity_floor=0),
    Distill(max_leaves=0),
    Extract(),
    Truncate(),
    Clamp(),
)
EDITS = (StripReasoning(), Deduplicate(), ClearToolResults(keep=1))
batches = histories(8)


def scenes(batched: Sequence[Sequence[Dict]], hard: bool, keep: int, share: float) -> Scene:
    messages = [message for batch in batched for message in batch]
    window = max(64, int(scene_of(messages).tokens * share))
    pins = [1] if len(messages) % 3 == 0 and messages[0].get("content") else []
    return scene_of(messages, hard=hard, keep=keep, window=window, goal=window // 2, pins=pins)


def play(rung: Rung, scene: Scene) -> Scene:
    """The scene after a rung; drafts are a short text."""
    if isinstance(rung, DrafterStrategy):
        proposal = drafted(rung, scene, "## Goal\nwhatever it was")[1]
        return scene.with_view(proposal.view, proposal.summaries)
    return scene.with_view(rung.apply(scene))


situations = {
    "hard": st.booleans(),
    "keep": st.integers(0, 6),
    "share": st.sampled_from([0.1, 0.4, 0.7, 1.1]),
}


@given(batched=batches, **situations)
def test_no_rung_breaks_a_promise(batched: list[list[Dict]], hard: bool, keep: int, share: float) -> None:
    """Pairs, pins, order, the newest user message, size, and every message accounted for."""
    scene = scenes(batched, hard, keep, share)
    for rung in RUNGS:
        if rung.wants(scene):
            proposed = play(rung, scene)
            assert problem(scene, proposed) is None, rung.name
            scene = proposed


@given(batched=batches, **situations)
def test_protected_messages_are_as_they_were(
    batched: list[list[Dict]], hard: bool, keep: int, share: float
) -> None:
    scene = scenes(batched, hard, keep, share)
    for rung in RUNGS[:-1]:
        proposed = play(rung, scene)
        shown = {record.seq: edit for record, edit in proposed.shown()}
        assert all(seq in shown and shown[seq] is None for seq in scene.protected), rung.name
        scene = proposed


@pytest.mark.parametrize("rung", EDITS, ids=lambda rung: rung.name)
@given(batched=batches, **situations)
def test_edits_save_stay_valid_and_come_once(
    rung: Rung, batched: list[list[Dict]], hard: bool, keep: int, share: float
) -> None:
    scene = scenes(batched, hard, keep, share)
    once = play(rung, scene)
    for seq, edit in edits(once).items():
        assert_valid(once, seq, edit)
    # nothing is left to do, unless the goal stopped it
    if rung.name != "clear_tool_results" or once.tokens > once.goal:
        assert play(rung, once).view == once.view


def assert_valid(scene: Scene, seq: int, edit: Edited) -> None:
    record = scene.log[seq]
    message = record.shown.with_blocks(edit.blocks)
    assert edit.tokens == scene.counter.message(message) < record.tokens
    before = [block for block in record.shown.blocks if isinstance(block, ToolCallBlock)]
    for old, new in zip(before, message.tool_calls, strict=True):
        assert (old.id, old.name) == (new.id, new.name)
        assert old.arguments == new.arguments or isinstance(json.loads(new.arguments), dict)
    if record.shown.tool_result is not None:
        assert message.tool_result is not None
        assert message.tool_result.call_id == record.shown.tool_result.call_id


@given(batched=batches, **situations)
def test_the_same_scene_gives_the_same_view(
    batched: list[list[Dict]], hard: bool, keep: int, share: float
) -> None:
    for rung in RUNGS:
        views = [play(rung, scenes(batched, hard, keep, share)).view for _ in range(2)]
        assert views[0] == views[1]
