"""After an answer the session gets ahead of the next turn; no failure of that fails a turn."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from context_compaction import Message, Session

logger = logging.getLogger(__name__)
_FAILED = "the turn is stored, but compacting ahead of the next one failed"


def ends_turn(messages: Sequence[Message]) -> bool:
    """Whether an answer came that asks for no tool."""
    return bool(messages) and messages[-1].role == "assistant" and not messages[-1].tool_calls


def after_turn(session: Session) -> None:
    """`Session.after_turn`; a failure is logged."""
    try:
        session.after_turn()
    except Exception:
        logger.warning(_FAILED, exc_info=True)


async def aafter_turn(session: Session) -> None:
    """`Session.aafter_turn`; a failure is logged."""
    try:
        await session.aafter_turn()
    except Exception:
        logger.warning(_FAILED, exc_info=True)
