"""When the session gets ahead of the next turn."""

from __future__ import annotations

from collections.abc import Sequence

from context_compaction import Message
from context_compaction.faces import aafter_turn, after_turn

__all__ = ["aafter_turn", "after_turn", "ends_turn"]


def ends_turn(messages: Sequence[Message]) -> bool:
    """Whether an answer came that asks for no tool."""
    return bool(messages) and messages[-1].role == "assistant" and not messages[-1].tool_calls
