"""`Followed`: a chat history that others keep, and that a session follows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from langchain_core.messages import BaseMessage

from context_compaction import Session
from langchain_compaction.messages import read_all

if TYPE_CHECKING:
    from langchain_core.chat_history import BaseChatMessageHistory  # goes away with langchain-core 2


class Followed:
    """What is in the history is taken up by the session, and what the session keeps is written to it.

    The session is first: what the history then fails to take is owed to it, and written with the next turn.
    """

    def __init__(self, history: BaseChatMessageHistory) -> None:
        if not callable(getattr(history, "add_messages", None)):
            raise TypeError(f"chat_memory is {type(history).__name__}; expected a chat message history")
        self.history = history
        self._owed: list[BaseMessage] = []

    def take_up(self, session: Session) -> None:
        """Make the log equal to the history, whoever added to it. Raises what the history raises."""
        if not self._owed:  # else it is behind, and tells nothing
            session.sync(read_all(self.history.messages))

    def write(self, messages: Sequence[BaseMessage]) -> None:
        """Add to it, first what it is owed. Raises what the history raises."""
        if self._owed:
            self._owed = _missing(self._owed, self.history.messages)
        self._owed += messages
        self.history.add_messages(list(self._owed))
        self._owed = []

    def clear(self) -> None:
        """Remove everything from it."""
        self._owed = []
        self.history.clear()


def _missing(owed: list[BaseMessage], present: Sequence[BaseMessage]) -> list[BaseMessage]:
    """What is left to write: a history that failed may have taken the first of them."""
    for count in range(min(len(owed), len(present)), 0, -1):
        if list(present[-count:]) == owed[:count]:
            return owed[count:]
    return owed
