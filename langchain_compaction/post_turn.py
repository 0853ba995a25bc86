"""After an answer was stored the session gets ahead of the next turn; no failure of that fails a turn."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage

from context_compaction import Session

logger = logging.getLogger(__name__)
_FAILED = "the turn is stored, but compacting ahead of the next one failed"


def usage_of(messages: Sequence[BaseMessage]) -> Mapping[str, Any] | None:
    """What the provider reported for the request that the first answer is to.

    Where an agent asked several times, the later requests held more than the context that was handed over.
    """
    for message in messages:
        if isinstance(message, AIMessage):
            return message.usage_metadata
    return None


def after_turn(session: Session, usage: Mapping[str, Any] | None = None, overhead: int | None = None) -> None:
    """`Session.after_turn`; a failure is logged."""
    try:
        session.after_turn(usage, overhead)
    except Exception:
        logger.warning(_FAILED, exc_info=True)


async def aafter_turn(
    session: Session, usage: Mapping[str, Any] | None = None, overhead: int | None = None
) -> None:
    """`Session.aafter_turn`; a failure is logged."""
    try:
        await session.aafter_turn(usage, overhead)
    except Exception:
        logger.warning(_FAILED, exc_info=True)
