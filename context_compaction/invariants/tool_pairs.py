"""Invariant 1: a tool call and all its results stay or go together."""

from __future__ import annotations

from context_compaction.groups import message_groups
from context_compaction.invariants.base import Change


def tool_pairs(change: Change) -> str | None:
    """Every group that was shown is still shown whole, or not at all."""
    after = change.kept_after()
    for group in message_groups(record for record, _ in change.before.shown(change.log)):
        staying = after.intersection(group.seqs)
        if staying and len(staying) != len(group.seqs):
            gone = sorted(set(group.seqs) - staying)
            return f"the group of m:{group.first} was split: {gone} left without {sorted(staying)}"
    return None
