"""`ClearToolResults`: old tool output makes room, and says what it was and where it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from context_compaction.errors import InvalidPolicy
from context_compaction.messages import Block, MediaBlock
from context_compaction.strategies.arguments import with_short_arguments
from context_compaction.strategies.base import Scene, Shown, Strategy
from context_compaction.strategies.edits import (
    blocks_of,
    clip,
    is_replaced,
    media_note,
    recall_note,
    result_of,
    shown_tokens,
    tool_name,
    with_result,
)
from context_compaction.view import Edited, LogRecord, View

LONG = (4096, 1536, 768)
LONG_ARGUMENTS = (1024, 256)
"""Characters over which arguments are shortened on HARD, and what each of their strings keeps."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    record: LogRecord
    earlier: Edited | None
    blocks: tuple[Block, ...]
    reason: str


class ClearToolResults(Strategy):
    """Old results become one line each, oldest first, until the goal is reached.

    On SOFT the newest ``keep`` results stay; of those, ones over ``long[0]`` characters may be cut to their
    first ``long[1]`` and last ``long[2]``. On HARD every unprotected result may go, and long arguments and
    media of unprotected messages with them. Tools in ``exclude_tools`` are never cleared. Raises
    `InvalidPolicy` for sizes that mean nothing.
    """

    name = "clear_tool_results"

    def __init__(
        self, *, keep: int = 3, exclude_tools: Sequence[str] = (), long: tuple[int, int, int] | None = LONG
    ) -> None:
        if keep < 0:
            raise InvalidPolicy(f"keep is {keep}; give the number of newest results that stay")
        if long is not None and (min(long) < 0 or long[0] <= long[1] + long[2]):
            raise InvalidPolicy(f"long is {long!r}; give (longer than, head, tail) in characters, or None")
        self.keep = keep
        self.exclude_tools = frozenset(exclude_tools)
        self.long = long

    def apply(self, scene: Scene) -> View:
        """The view with as many results replaced as the goal asks for."""
        need = scene.tokens - scene.goal
        edits: list[Edited] = []
        for candidate in self._candidates(scene):
            if need <= 0:
                break
            edit = scene.edit(candidate.record, candidate.blocks, candidate.reason, candidate.earlier)
            saved = shown_tokens(candidate.record, candidate.earlier) - edit.tokens
            if saved > 0:
                edits.append(edit)
                need -= saved
        return scene.view.with_edits(edits) if edits else scene.view

    def _candidates(self, scene: Scene) -> Iterator[_Candidate]:
        """Every edit that may be made, in the order in which they are worth making."""
        results = tuple(pair for pair in scene.shown() if result_of(pair[0]) is not None)
        old = results if scene.hard else results[: max(0, len(results) - self.keep)]
        yield from self._cleared(scene, old)
        if scene.hard:
            yield from _short_arguments(scene)
            yield from _without_media(scene)
        elif self.long is not None:
            yield from self._clipped(scene, results[len(old) :])

    def _cleared(self, scene: Scene, results: Shown) -> Iterator[_Candidate]:
        for record, earlier in results:
            if not self._open(scene, record, earlier):
                continue
            text = placeholder(scene, record)
            if record.features.chars > len(text) or has_media(record):
                blocks = with_result(record, earlier, text, references=scene.references, media=False)
                yield _Candidate(record, earlier, blocks, "cleared")

    def _clipped(self, scene: Scene, results: Shown) -> Iterator[_Candidate]:
        longer, head, tail = self.long or LONG
        for record, earlier in results:
            result = result_of(record)
            if (
                earlier is None
                and result
                and len(result.content) > longer
                and self._open(scene, record, None)
            ):
                note = recall_note(record.seq, references=scene.references)
                text = clip(result.content, head, tail, note)
                blocks = with_result(record, None, text, references=scene.references)
                yield _Candidate(record, None, blocks, "clamped")

    def _open(self, scene: Scene, record: LogRecord, earlier: Edited | None) -> bool:
        if is_replaced(earlier) or not scene.may_edit(record.seq):
            return False
        return not self.exclude_tools or tool_name(scene, record) not in self.exclude_tools


def placeholder(scene: Scene, record: LogRecord) -> str:
    """One line for a result that is not shown: tool, size, errors, paths, and where it is."""
    features = record.features
    parts = [f"{features.lines} line" + ("s" if features.lines != 1 else "")]
    if features.errors:
        parts.append("contained errors")
    if media := [block.kind for block in record.message.blocks if isinstance(block, MediaBlock)]:
        parts.append(f"with {', '.join(media)}")
    if features.paths:
        parts.append(f"paths: {', '.join(features.paths)}")
    note = recall_note(record.seq, references=scene.references)
    return f"[output omitted - {tool_name(scene, record)}: {', '.join(parts)}{note}]"


def has_media(record: LogRecord) -> bool:
    """Whether an image or the like comes with the message."""
    return any(isinstance(block, MediaBlock) for block in record.message.blocks)


def _short_arguments(scene: Scene) -> Iterator[_Candidate]:
    longer, value_chars = LONG_ARGUMENTS
    for record, earlier in scene.editable():
        if record.kind == "call":
            before = blocks_of(record, earlier)
            note = recall_note(record.seq, references=scene.references)
            after = with_short_arguments(before, None, longer=longer, value_chars=value_chars, note=note)
            if after != before:
                yield _Candidate(record, earlier, after, "arguments")


def _without_media(scene: Scene) -> Iterator[_Candidate]:
    for record, earlier in scene.editable():
        before = blocks_of(record, earlier)
        if result_of(record) is None and any(isinstance(block, MediaBlock) for block in before):
            note = recall_note(record.seq, references=scene.references)
            after = tuple(media_note(b, note) if isinstance(b, MediaBlock) else b for b in before)
            yield _Candidate(record, earlier, after, "cleared")
