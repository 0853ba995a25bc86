"""`StripReasoning`: what the model thought in turns that are over."""

from __future__ import annotations

import re

from context_compaction.messages import Block, ReasoningBlock, TextBlock
from context_compaction.strategies.base import Scene, Strategy
from context_compaction.strategies.edits import blocks_of, recall_note
from context_compaction.view import Edited, LogRecord, View

# Words about the tag quote it: `<think>`. A pattern that begins with a plain sign is searched much faster.
_OPEN = re.compile(r"<(?<!`<)think(?:ing)?>", re.IGNORECASE)
_INDENT = 80
"""Blanks before a tag that begins a line: as far as is looked back."""
_CLOSE = re.compile(r"</think(?:ing)?>", re.IGNORECASE)


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
    return edit if edit.tokens < scene.tokens_by_seq[record.seq] else None


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


def without_thinking(text: str) -> str:
    """The text less its ``<think>`` and ``<thinking>`` parts, stripped of blanks if there were any.

    One that is never closed takes the rest along if it begins a line. Linear in the text.
    """
    kept: list[str] = []
    done = 0
    closing = True
    for opened in _OPEN.finditer(text):
        if opened.start() < done:
            continue
        closed = _CLOSE.search(text, opened.end()) if closing else None
        if closed is not None:
            kept.append(text[done : opened.start()])
            done = closed.end()
        elif _begins_line(text[max(done, opened.start() - _INDENT) : opened.start()]):
            kept.append(text[done : opened.start()])
            done = len(text)
        else:
            closing = False
    return "".join([*kept, text[done:]]).strip() if done else text


def _begins_line(before: str) -> bool:
    blanks = before.rstrip(" \t")
    return not blanks or blanks.endswith("\n")
