"""Invariant 8: every message appended is shown, or named by a gap or a summary."""

from __future__ import annotations

from collections import Counter

from context_compaction.invariants.base import Change
from context_compaction.view import Edited, Gap, Kept


def accounted(change: Change) -> str | None:
    """The proposed head names every number of the log exactly once (superseded system messages aside)."""
    named: list[int] = []
    for entry in change.after.head:
        if isinstance(entry, (Kept, Edited)):
            named.append(entry.seq)
        elif isinstance(entry, Gap):
            named += range(entry.first, entry.last + 1)
        elif entry.id in change.summaries:
            named += change.summaries[entry.id].seqs
        else:
            return f"summary s:{entry.id} does not exist"
    seen = Counter(named)
    wanted = set(range(1, change.log.last_seq + 1)) - change.log.superseded
    if missing := sorted(wanted - seen.keys()):
        return f"nothing in the view names m:{missing[0]} ({len(missing)} in all)"
    if len(named) > len(seen):
        twice = sorted(seq for seq, count in seen.items() if count > 1)
        return f"m:{twice[0]} is named twice ({len(twice)} in all)"
    return None
