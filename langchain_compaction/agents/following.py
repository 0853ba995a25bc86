"""A session follows an agent's messages: those that only grew are appended, all else is compared."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage

from context_compaction import DuplicateMessage, Message, Session
from langchain_compaction.agents.reading import Reader, Reading


@dataclass(slots=True)
class Known:
    """What is remembered of a session from one model call to the next, beside its archive."""

    turn: threading.Lock
    """Held while the session is told the list and asked for the context."""
    reader: Reader = field(default_factory=Reader)
    ceiling: int | None = None
    """Counted tokens that a provider called too many; the next request stays under them."""
    overhead: int | None = None
    """Of the last request: tokens that it carried beside the conversation."""
    followed: int = 0
    """So many messages of the list that was followed last, and `last` of them."""
    last: Message | None = None

    def new(self, said: Reading) -> list[Message] | None:
        """The messages behind those that were followed; None if the list is not that one, grown.

        In a run of an agent it is, from its second model call on: comparing ten thousand messages at every
        call would take longer than all else.
        """
        if not 0 < self.followed <= said.same or said[self.followed - 1] is not self.last:
            return None
        return said.since(self.followed)

    def reported(self, state: Sequence[BaseMessage]) -> Mapping[str, Any] | None:
        """The usage of the first answer to what was sent last; None if there is no such answer yet.

        The requests behind it, of another middleware that asked again, held more than what was sent.
        """
        last = self.last if self.followed else None
        answer: AIMessage | None = None
        for message in reversed(state if last is not None and last.id is not None else ()):
            if last is not None and message.id == last.id:
                return None if answer is None else answer.usage_metadata
            if isinstance(message, AIMessage):
                answer = message
        return None

    def keep(self, said: Reading) -> None:
        """It was followed."""
        self.followed, self.last = said.length, said[said.length - 1] if said.length else None


def follow(session: Session, known: Known, said: Reading) -> None:
    """Make the log equal to the list. Raises what `Session.sync` does."""
    new = known.new(said)
    known.followed = 0
    if new is None or not _appended(session, new):
        session.sync(said.since(0), deep=True)
    known.keep(said)


async def afollow(session: Session, known: Known, said: Reading) -> None:
    """`follow` on the running event loop."""
    new = known.new(said)
    known.followed = 0
    if new is None or not await _aappended(session, new):
        await session.async_(said.since(0), deep=True)
    known.keep(said)


def _appended(session: Session, new: list[Message]) -> bool:
    """False if another writer put something else there."""
    try:
        session.append(new)
    except DuplicateMessage:
        return False
    return True


async def _aappended(session: Session, new: list[Message]) -> bool:
    try:
        await session.aappend(new)
    except DuplicateMessage:
        return False
    return True
