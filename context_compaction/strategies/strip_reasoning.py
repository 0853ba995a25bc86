"""`StripReasoning`: what the model thought in turns that are over."""

from __future__ import annotations

from context_compaction.messages import Block, ReasoningBlock, TextBlock
from context_compaction.strategies.base import Scene, Strategy
from context_compaction.strategies.edits import blocks_of, recall_note, shown_tokens
from context_compaction.text.thinking import without_thinking
from context_compaction.view import Edited, LogRecord, View


class StripReasoning(Strategy):
    """Reasoning blocks and ``<think>`` text of finished turns leave; words and calls stay."""

    name = "strip_reasoning"

    def apply(self, scene: Scene) -> View:
        """The view without the reasoning of finished turns."""
        edits = [
            edit
            for record, earlier in scene.shown()
            if record.features.thinks and record.seq < scene.turn_start and scene.may_edit(record.seq)
            if (edit := _stripped(scene, record, earlier)) is not None
        ]
        return scene.view.with_edits(edits) if edits else scene.view


def _stripped(scene: Scene, record: LogRecord, earlier: Edited | None) -> Edited | None:
    before = blocks_of(record, earlier)
    after = strip_thinking(before)
    if after == before:
        return None
    if not after:
        after = (TextBlock(f"[reasoning omitted{recall_note(record.seq, references=scene.references)}]"),)
    edit = scene.edit(record, after, "reasoning", earlier)
    return edit if edit.tokens < shown_tokens(record, earlier) else None


def strip_thinking(blocks: tuple[Block, ...]) -> tuple[Block, ...]:
    """The blocks without reasoning; may be empty. A ``<think>`` that is never closed takes the rest along."""
    kept: list[Block] = []
    for block in blocks:
        if isinstance(block, ReasoningBlock):
            continue
        if isinstance(block, TextBlock):
            text = without_thinking(block.text)
            if text == block.text:
                kept.append(block)
            elif text:
                kept.append(TextBlock(text))
        else:
            kept.append(block)
    return tuple(kept)
