"""Invariant 7: between compactions a request begins with the one before, byte for byte."""

from __future__ import annotations

from collections.abc import Sequence

from context_compaction.messages import Message


def common_prefix(earlier: Sequence[Message], later: Sequence[Message]) -> int:
    """How many messages both lists begin with, compared as they are sent."""
    count = 0
    for left, right in zip(earlier, later, strict=False):
        if left != right and left.to_openai() != right.to_openai():
            break
        count += 1
    return count


def extends(earlier: Sequence[Message], later: Sequence[Message]) -> str | None:
    """What is wrong when ``later`` does not begin with ``earlier``; None when it does."""
    count = common_prefix(earlier, later)
    if count == len(earlier):
        return None
    return f"the prefix broke at message {count} of {len(earlier)}"
