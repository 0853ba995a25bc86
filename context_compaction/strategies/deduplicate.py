"""`Deduplicate`: output that something later in the view makes needless."""

from __future__ import annotations

from dataclasses import dataclass, field

from context_compaction.strategies.arguments import with_short_arguments
from context_compaction.strategies.base import Scene, Strategy
from context_compaction.strategies.edits import (
    blocks_of,
    call_of,
    failed,
    is_replaced,
    plain,
    recall_note,
    shown_tokens,
    with_result,
)
from context_compaction.tools import ToolUse
from context_compaction.tools.rule import OTHER, LineRange
from context_compaction.view import Edited, LogRecord, View

SAME_CHARS = 600
"""Characters from which identical outputs count as repetition."""
FAILED_AFTER = 4
"""Turns after which the arguments of a failed call are shortened."""
FAILED_ARGUMENTS = (200, 120)
"""Characters over which they are, and what each of their strings keeps."""


class Deduplicate(Strategy):
    """Reads that a later read or write superseded, output that came again, arguments of calls that failed.

    A full read supersedes earlier reads of its file, a ranged one earlier parts of its range, a write all
    earlier reads. Tools without a rule are only compared by identical output of 600 characters or more. The
    newest always stays, and the current turn is never edited.
    """

    name = "deduplicate"

    def apply(self, scene: Scene) -> View:
        """The view with superseded output replaced by a line that says by what."""
        later, edits, turns = _Later(), list[Edited](), 0
        stale: dict[int, set[str]] = {}
        for record, earlier in reversed(scene.shown()):
            if record.message.role == "tool":
                if (edit := _superseded(scene, later, record, earlier)) is not None:
                    edits.append(edit)
                if turns >= FAILED_AFTER and (call := call_of(scene, record)) and failed(record):
                    stale.setdefault(record.group, set()).add(call.id)
            elif record.message.role == "user":
                turns += 1
            if record.seq in stale and (edit := _short_call(scene, record, earlier, stale[record.seq])):
                edits.append(edit)
        return scene.view.with_edits(edits) if edits else scene.view


@dataclass(slots=True)
class _Later:
    """What the part of the view behind the present message shows."""

    written: set[str] = field(default_factory=set[str])
    reads: dict[str, list[tuple[LineRange | None, int]]] = field(
        default_factory=dict[str, list[tuple[LineRange | None, int]]]
    )
    """By path: the lines asked for, and how many were shown."""
    digests: set[str] = field(default_factory=set[str])

    def supersedes(self, use: ToolUse, record: LogRecord) -> str:
        """Why a result is needless, in words; empty when it is not."""
        if use.kind == "read":
            if use.path in self.written:
                return f"superseded by a later write of {plain(use.path)}"
            if self._read_again(use, record):
                return f"superseded by a later read of {plain(use.path)}"
        if record.features.chars >= SAME_CHARS and record.features.digest in self.digests:
            return "the same output came again later"
        return ""

    def add(self, use: ToolUse, record: LogRecord, *, whole: bool) -> None:
        """Take a result into account; ``whole``: it is shown as it was."""
        if whole:
            self.digests.add(record.features.digest)
        if use.kind == "write":
            self.written.add(use.path)
        elif use.kind == "read" and whole:
            self.reads.setdefault(use.path, []).append((use.range, record.features.lines))

    def _read_again(self, use: ToolUse, record: LogRecord) -> bool:
        return any(
            # fewer lines than that are a stub, such as "unchanged since the last read"
            _covers(later, lines, use.range) and record.features.lines <= 2 * lines
            for later, lines in self.reads.get(use.path, ())
        )


def _covers(later: LineRange | None, lines: int, earlier: LineRange | None) -> bool:
    """Whether a read that showed ``lines`` lines shows again what an earlier one asked for."""
    if later is None:
        # tools cut long files off: a full read that ended before the earlier one began does not show it
        return earlier is None or earlier[0] <= lines
    if earlier is None or later[0] > earlier[0]:
        return False
    return later[1] is None or (earlier[1] is not None and earlier[1] <= later[1])


def _superseded(scene: Scene, later: _Later, record: LogRecord, earlier: Edited | None) -> Edited | None:
    """The edit of a needless result; a needed one is taken into account instead."""
    call = call_of(scene, record)
    use = scene.tools.use_of(call) if call is not None else OTHER
    if use is not OTHER and failed(record):
        use = OTHER
    if record.seq < scene.turn_start and scene.may_edit(record.seq) and not is_replaced(earlier):
        why = later.supersedes(use, record)
        if why and (edit := _replaced(scene, record, earlier, why)) is not None:
            return edit
    later.add(use, record, whole=earlier is None)
    return None


def _replaced(scene: Scene, record: LogRecord, earlier: Edited | None, why: str) -> Edited | None:
    text = f"[output omitted: {why}{recall_note(record.seq, references=scene.references)}]"
    if record.features.chars <= len(text):
        return None
    blocks = with_result(record, earlier, text, references=scene.references, media=False)
    edit = scene.edit(record, blocks, "duplicate", earlier)
    return edit if edit.tokens < shown_tokens(record, earlier) else None


def _short_call(scene: Scene, record: LogRecord, earlier: Edited | None, calls: set[str]) -> Edited | None:
    """The edit of a call message whose failed calls carry long arguments."""
    if record.seq >= scene.turn_start or not scene.may_edit(record.seq):
        return None
    longer, value_chars = FAILED_ARGUMENTS
    before = blocks_of(record, earlier)
    note = recall_note(record.seq, references=scene.references)
    after = with_short_arguments(before, frozenset(calls), longer=longer, value_chars=value_chars, note=note)
    if after == before:
        return None
    edit = scene.edit(record, after, "arguments", earlier)
    return edit if edit.tokens < shown_tokens(record, earlier) else None
