"""Invariant 4: system head, one context message, then real messages in log order, a user role first."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from context_compaction.invariants.base import Change
from context_compaction.render import Renderer
from context_compaction.view import Edited, Gap, Kept, View


def order(change: Change) -> str | None:
    """Entries stand in canonical order, and the rendered list opens with a user message."""
    head = change.after.head
    seqs = [entry.seq for entry in head if isinstance(entry, (Kept, Edited))]
    if seqs != sorted(set(seqs)):
        return "messages are out of log order or shown twice"
    gaps = [entry for entry in head if isinstance(entry, Gap)]
    if any(left.last + 1 >= right.first for left, right in pairwise(gaps)):
        return "neighbouring gaps are not merged"
    opening = _opening(change)
    rendered = Renderer(opening, change.log, change.summaries, change.counter, change.options).messages
    first = next((message for message in rendered if not message.is_system), None)
    if first is not None and first.role != "user":
        return f"the first message after the system head has role {first.role}"
    return None


def _opening(change: Change) -> View:
    """The view up to its first message that is no system message: the rest has no part in the opening."""
    after = change.after
    first = next((record.seq for record, _ in after.shown(change.log) if not record.message.is_system), 0)
    opening = [entry for entry in after.head if not (isinstance(entry, (Kept, Edited)) and entry.seq > first)]
    return replace(after, head=tuple(opening)) if first else after
