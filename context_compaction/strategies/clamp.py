"""`Clamp`: the last resort on HARD, what may never leave cut to its head and tail (design §3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from context_compaction.counting import TokenCounter
from context_compaction.messages import Block, MediaBlock, TextBlock, ToolResultBlock
from context_compaction.render import escape
from context_compaction.strategies.base import Scene, Strategy
from context_compaction.strategies.edits import (
    blocks_of,
    clip,
    is_replaced,
    media_note,
    recall_note,
    result_of,
    with_result,
)
from context_compaction.strategies.search import smallest
from context_compaction.view import Edited, LogRecord, View

Form = Callable[[str], str]
CLAMPED_TOKENS = 64
"""Tokens of the original that the shortest clamped text still shows."""


class Clamp(Strategy):
    """Results of the newest group, oldest first, then the newest user message, as far as needed to fit.

    Each keeps at least 64 tokens and its reference. The user message is touched only if it exceeds half of
    the input. System messages, pins, assistant text and arguments never are.
    """

    name = "clamp"
    lossy = True

    def wants(self, scene: Scene) -> bool:
        """On HARD, while the view is over the input budget."""
        return scene.hard and scene.tokens > scene.budget.input_tokens

    def apply(self, scene: Scene) -> View:
        """The view with as little clamped as makes it fit, or all clamped when nothing makes it fit."""
        start = scene.view
        for record, earlier in _clampable(scene):
            scene = _until_it_fits(scene, record, earlier)
        return start if scene.view is start else scene.view


def _until_it_fits(scene: Scene, record: LogRecord, earlier: Edited | None) -> Scene:
    """The scene with one message clamped, again while that helps: calibrated tokens are not the counter's."""
    while (over := scene.tokens - scene.budget.input_tokens) > 0:
        edit = clamped(scene, record, earlier, scene.tokens_by_seq[record.seq] - over)
        if edit is None:
            break
        scene = scene.with_view(scene.view.with_edits([edit]))
    return scene


def clamped_minimum(record: LogRecord, counter: TokenCounter, *, references: bool = True) -> int:
    """Tokens of the message when its text is clamped as far as ever, envelope included.

    Only results and the newest user message are ever clamped; whose minimum is asked is for the caller.
    """
    blocks = _clamped_blocks(record, None, 0, counter, references=references)
    return min(record.tokens, counter.message(record.shown.with_blocks(blocks)))


def clamp_blocks(
    blocks: tuple[Block, ...], max_tokens: int, counter: TokenCounter, note: str, *, form: Form = str
) -> tuple[Block, ...]:
    """The blocks with texts and results cut so that all of them come to ``max_tokens``.

    No text is cut below 64 tokens and the marker, so the sum may stay over. Media count, and give way to a
    note when text alone cannot give enough. ``note`` says where the original is.
    """
    media = sum(counter.media_tokens(block) for block in blocks if isinstance(block, MediaBlock))
    if media and max_tokens - media < CLAMPED_TOKENS + marker_tokens(counter, note):
        blocks = tuple(
            media_note(block, note) if isinstance(block, MediaBlock) else block for block in blocks
        )
        media = 0
    sizes = [_size(block, counter, form) for block in blocks]
    over = sum(sizes) + media - max_tokens
    out: list[Block] = []
    for block, size in zip(blocks, sizes, strict=True):
        room = max(0, size - over)
        shorter = _clamp_block(block, room, counter, note, form) if over > 0 and size else block
        over -= size - _size(shorter, counter, form) if shorter is not block else 0
        out.append(shorter)
    return tuple(out)


def clamp_text(text: str, max_tokens: int, counter: TokenCounter, note: str = "", *, form: Form = str) -> str:
    """Head and tail of a text, two to one, around a marker, in ``max_tokens`` with the marker.

    At least 64 tokens of the text stay, whatever ``max_tokens`` is. Returned whole when that is no longer.
    ``form`` is what becomes of the text when it is shown (escaping): that is what is counted.
    """
    marker = marker_tokens(counter, note)
    limit = max(max_tokens, CLAMPED_TOKENS + marker)
    if len(text) <= CLAMPED_TOKENS // 2 or (tokens := counter.text(form(text))) <= limit:
        return text
    kept = (limit - marker) * len(text) // tokens
    unit = max(1, kept // 256)  # exact to half a percent: each try counts the tokens of the whole result

    def fits(units: int) -> bool:
        return counter.text(form(_cut(text, units * unit, note))) <= limit

    most = -(-len(text) // unit)
    units = smallest(fits, (len(text) - kept) // unit, 1, most, step=4)
    return text if units is None else _cut(text, units * unit, note)


def marker_tokens(counter: TokenCounter, note: str) -> int:
    """Tokens of the marker that stands for what was cut out."""
    return counter.text(clip("x" * 100_000, 0, 0, note))


def clamped(scene: Scene, record: LogRecord, earlier: Edited | None, max_tokens: int) -> Edited | None:
    """The record cut so that the message comes to ``max_tokens``; None when that saves nothing."""
    envelope = scene.counter.message(record.shown.with_blocks(_emptied(record.shown.blocks)))
    blocks = _clamped_blocks(
        record, earlier, max(0, max_tokens - envelope), scene.counter, references=scene.references
    )
    edit = scene.edit(record, blocks, "clamped", earlier)
    return edit if edit.tokens < scene.tokens_by_seq[record.seq] else None


def _clampable(scene: Scene) -> Iterator[tuple[LogRecord, Edited | None]]:
    """What may be clamped, in the order in which it is."""
    fixed = [
        pair for pair in scene.shown() if pair[0].seq in scene.floor and pair[0].seq not in scene.verbatim
    ]
    yield from (pair for pair in fixed if result_of(pair[0]) is not None and not is_replaced(pair[1]))
    half = scene.budget.input_tokens / 2
    yield from (
        pair
        for pair in fixed
        if pair[0].message.role == "user" and pair[0].seq == scene.turn_start and pair[0].tokens > half
    )


def _clamped_blocks(
    record: LogRecord, earlier: Edited | None, max_tokens: int, counter: TokenCounter, *, references: bool
) -> tuple[Block, ...]:
    """The record's blocks clamped, from the original text: what is clamped again loses no second marker."""
    note = recall_note(record.seq, references=references)
    result = result_of(record)
    if result is None or record.shown.role == "tool":
        return clamp_blocks(record.shown.blocks, max_tokens, counter, note)
    media = tuple(block for block in blocks_of(record, earlier) if isinstance(block, MediaBlock))
    frame = counter.text(
        "".join(_texts(with_result(record, earlier, "", references=references, media=False)))
    )
    (inner, *rest) = clamp_blocks((result, *media), max(0, max_tokens - frame), counter, note, form=escape)
    content = inner.content if isinstance(inner, ToolResultBlock) else ""
    return (*with_result(record, earlier, content, references=references, media=False), *rest)


def _emptied(blocks: tuple[Block, ...]) -> tuple[Block, ...]:
    """What a message costs besides its texts and media."""
    result = next((block for block in blocks if isinstance(block, ToolResultBlock)), None)
    return (replace(result, content=""),) if result else (TextBlock(""),)


def _texts(blocks: tuple[Block, ...]) -> Iterator[str]:
    for block in blocks:
        if isinstance(block, TextBlock):
            yield block.text
        elif isinstance(block, ToolResultBlock):
            yield block.content


def _size(block: Block, counter: TokenCounter, form: Form) -> int:
    return sum(counter.text(form(text)) for text in _texts((block,)))


def _clamp_block(block: Block, max_tokens: int, counter: TokenCounter, note: str, form: Form) -> Block:
    if isinstance(block, ToolResultBlock):
        return replace(block, content=clamp_text(block.content, max_tokens, counter, note, form=form))
    if isinstance(block, TextBlock):
        return TextBlock(clamp_text(block.text, max_tokens, counter, note, form=form))
    return block


def _cut(text: str, omitted: int, note: str) -> str:
    kept = max(0, len(text) - omitted)
    tail = kept // 3
    return clip(text, kept - tail, tail, note)
