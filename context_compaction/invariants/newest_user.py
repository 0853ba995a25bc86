"""Invariant 3: the newest user message stays; clamped only under the floor rule, never dropped."""

from __future__ import annotations

from context_compaction.invariants.base import Change


def newest_user_seq(change: Change) -> int | None:
    """Number of the newest user message of the log, None when there is none in the view."""
    newest_first = reversed(change.shown_before)
    return next((record.seq for record in newest_first if record.message.role == "user"), None)


def newest_user(change: Change) -> str | None:
    """It is shown whole, or on HARD clamped when it exceeds half of the input."""
    seq = newest_user_seq(change)
    if seq is None or seq in change.whole_after:
        return None
    if seq not in change.kept_after:
        return f"the newest user message m:{seq} left"
    if not change.hard or change.log[seq].tokens * 2 <= change.input_tokens:
        return f"the newest user message m:{seq} was edited without need"
    return None
