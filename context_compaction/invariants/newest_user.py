"""Invariant 3: the newest user message stays; clamped only under the floor rule, never dropped."""

from __future__ import annotations

from context_compaction.invariants.base import Change
from context_compaction.view import Edited, Entry, Kept


def newest_user_seq(change: Change) -> int | None:
    """Number of the newest user message of the log, None when there is none in the view."""
    newest_first = reversed(change.shown_before)
    return next((record.seq for record in newest_first if record.message.role == "user"), None)


def newest_user(change: Change) -> str | None:
    """It is shown whole, or on HARD clamped when it exceeds half of the input.

    A clamp from before stays what it was, also where the input has grown since: another compaction's doing.
    """
    seq = newest_user_seq(change)
    if seq is None or seq in change.whole_after:
        return None
    if seq not in change.kept_after:
        return f"the newest user message m:{seq} left"
    if _shown_as(seq, change.before.head) == _shown_as(seq, change.after.head):
        return None
    if not change.hard or change.log[seq].tokens * 2 <= change.input_tokens:
        return f"the newest user message m:{seq} was edited without need"
    return None


def _shown_as(seq: int, head: tuple[Entry, ...]) -> Entry | None:
    """The entry that shows this message."""
    return next((entry for entry in head if isinstance(entry, Kept | Edited) and entry.seq == seq), None)
