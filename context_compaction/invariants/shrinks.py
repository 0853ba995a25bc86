"""Invariant 6: a compaction never grows the view, and HARD ends inside the input budget."""

from __future__ import annotations

from context_compaction.invariants.base import Change


def shrinks(change: Change) -> str | None:
    """Tokens do not grow; after HARD they fit."""
    if change.tokens_after > change.tokens_before:
        return f"the view grew from {change.tokens_before} to {change.tokens_after} tokens"
    if change.hard and change.tokens_after > change.input_tokens:
        return f"the view has {change.tokens_after} tokens, the input budget is {change.input_tokens}"
    return None
