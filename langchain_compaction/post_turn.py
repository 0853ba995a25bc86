"""After an answer was stored the session gets ahead of the next turn; no failure of that fails a turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage

from context_compaction.faces import aafter_turn, after_turn

__all__ = ["aafter_turn", "after_turn", "usage_of"]


def usage_of(messages: Sequence[BaseMessage]) -> Mapping[str, Any] | None:
    """What the provider reported for the request that the first answer is to.

    Where an agent asked several times, the later requests held more than the context that was handed over.
    """
    for message in messages:
        if isinstance(message, AIMessage):
            return message.usage_metadata
    return None
