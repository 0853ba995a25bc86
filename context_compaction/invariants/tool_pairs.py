"""Invariant 1: a tool call and all its results stay or go together."""

from __future__ import annotations

from context_compaction.invariants.base import Change


def tool_pairs(change: Change) -> str | None:
    """Every group that was shown is still shown whole, or not at all."""
    after, whole = change.kept_after, dict[int, bool]()
    for record in change.shown_before:
        stays = record.seq in after
        if whole.setdefault(record.group, stays) != stays:
            fate = "stayed without" if stays else "left, unlike"
            return f"the group of m:{record.group} was split: m:{record.seq} {fate} what came before it"
    return None
