"""Invariant 8: every message appended is shown, or named by a gap or a summary."""

from __future__ import annotations

from context_compaction.invariants.base import Change
from context_compaction.view import Edited, Gap, Kept, Summary


def accounted(change: Change) -> str | None:
    """The proposed head names every number of the log exactly once (superseded system messages aside)."""
    seen: dict[int, int] = {}
    for entry in change.after.head:
        if isinstance(entry, (Kept, Edited)):
            seqs = [entry.seq]
        elif isinstance(entry, Gap):
            seqs = list(range(entry.first, entry.last + 1))
        else:
            seqs = change.summaries[entry.id].seqs
        for seq in seqs:
            seen[seq] = seen.get(seq, 0) + 1
    wanted = set(range(1, change.log.last_seq + 1)) - change.log.superseded
    if missing := sorted(wanted - seen.keys()):
        return f"nothing in the view names m:{missing[0]} ({len(missing)} in all)"
    if twice := sorted(seq for seq, count in seen.items() if count > 1):
        return f"m:{twice[0]} is named twice ({len(twice)} in all)"
    lost = [
        entry.id
        for entry in change.after.head
        if isinstance(entry, Summary) and entry.id not in change.summaries
    ]
    return f"summary s:{lost[0]} does not exist" if lost else None
