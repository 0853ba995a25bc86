"""What a face needs besides the public names: small things that every framework's would write again."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from context_compaction.messages.openai import timestamp_in

if TYPE_CHECKING:  # reading a message needs none of these
    from context_compaction.counting import Usage
    from context_compaction.session import Session

__all__ = ["aafter_turn", "after_turn", "drafters_of", "timestamp_in"]

logger = logging.getLogger(__name__)
_FAILED = "the turn is stored, but compacting ahead of the next one failed"


def after_turn(
    session: Session, usage: Usage | Mapping[str, Any] | None = None, overhead: int | None = None
) -> None:
    """`Session.after_turn`, once an answer was stored. A failure is logged: the user has the answer."""
    try:
        session.after_turn(usage, overhead)
    except Exception:
        logger.warning(_FAILED, exc_info=True)


async def aafter_turn(
    session: Session, usage: Usage | Mapping[str, Any] | None = None, overhead: int | None = None
) -> None:
    """`Session.aafter_turn`, once an answer was stored. A failure is logged."""
    try:
        await session.aafter_turn(usage, overhead)
    except Exception:
        logger.warning(_FAILED, exc_info=True)


def drafters_of(*given: Any) -> list[Any] | None:
    """All that was passed as writers of summaries, in order, as one ``drafter=``; None for nothing."""
    found: list[Any] = []
    for each in given:
        if isinstance(each, (list, tuple)):
            found += cast("list[Any] | tuple[Any, ...]", each)
        elif each is not None:
            found.append(each)
    return found or None
