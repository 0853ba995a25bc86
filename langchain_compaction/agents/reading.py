"""An agent's messages as the engine reads them, and back: what did not change is not read again."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import BaseMessage

from context_compaction import InvalidMessage, Message
from langchain_compaction.messages import from_langchain, to_langchain

Parts = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class _Read:
    """A message that was read, with the parts of it by which it is known not to have changed."""

    own: BaseMessage
    parts: Parts
    message: Message


class Reader:
    """Reads a list that grows from call to call. Safe to use from threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._read: list[_Read] = []
        self._by_id: dict[str, _Read] = {}
        self._made: dict[int, tuple[Message, BaseMessage]] = {}
        """Of what was shown last, what was made for it."""

    def read(self, messages: Sequence[BaseMessage]) -> list[Message]:
        """All of them. Raises `InvalidMessage` with the index of the first that cannot be read."""
        with self._lock:
            same = self._unchanged(messages)
            del self._read[same:]
            for index, own in enumerate(messages[same:], same):
                self._read.append(self._fresh(own, index))
            return [read.message for read in self._read]

    def write(self, shown: Sequence[Message]) -> list[BaseMessage]:
        """What a view shows; the very object that was read where nothing was changed."""
        made: dict[int, tuple[Message, BaseMessage]] = {}
        out: list[BaseMessage] = []
        for message in shown:
            own = self._own(message)
            if own is None:
                known = self._made.get(id(message)) or (message, to_langchain(message))
                made[id(message)] = known
                own = known[1]
            out.append(own)
        self._made = made
        return out

    def _unchanged(self, messages: Sequence[BaseMessage]) -> int:
        """How many of them, from the first on, are what was read last."""
        for place, (read, own) in enumerate(zip(self._read, messages, strict=False)):
            if read.own is not own or read.parts != _parts(own):
                return place
        return min(len(self._read), len(messages))

    def _fresh(self, own: BaseMessage, index: int) -> _Read:
        try:
            read = _Read(own, _parts(own), from_langchain(own))
        except InvalidMessage as error:
            raise InvalidMessage(error.reason, index) from None
        if own.id is not None:
            self._by_id[own.id] = read
        return read

    def _own(self, message: Message) -> BaseMessage | None:
        read = None if message.id is None or message.edited else self._by_id.get(message.id)
        if read is None or not (read.message is message or read.message == message):
            return None
        return read.own


def _parts(message: BaseMessage) -> Parts:
    """Whoever changes a message in place puts something else here; a list that is itself changed is read."""
    content: Any = message.content
    calls = getattr(message, "tool_calls", None)
    return (content if isinstance(content, str) else repr(content), message.id, repr(calls) if calls else "")
