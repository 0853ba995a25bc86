"""An agent's messages as the engine reads them, and back: what did not change is not read again."""

from __future__ import annotations

import operator
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import BaseMessage

from context_compaction import InvalidMessage, Message
from langchain_compaction.messages import from_langchain, to_langchain

NEWEST = 8
"""So many of the messages that were read are looked into again; the others are the same objects."""
Parts = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """A list as it was read."""

    messages: list[Message]
    same: int
    """So many of them, from the first on, are what was read last."""


class Reader:
    """Reads a list that grows from call to call. Safe to use from threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._own: list[BaseMessage] = []
        self._messages: list[Message] = []
        self._parts: list[Parts] = []
        """By which a message is known not to have changed."""
        self._by_id: dict[str, tuple[Message, BaseMessage]] = {}
        self._made: dict[int, tuple[Message, BaseMessage]] = {}
        """Of what was shown last, what was made for it."""

    def read(self, messages: Sequence[BaseMessage]) -> Reading:
        """All of them. Raises `InvalidMessage` with the index of the first that cannot be read."""
        with self._lock:
            same = self._unchanged(messages)
            del self._own[same:], self._messages[same:], self._parts[same:]
            for index, own in enumerate(messages[same:], same):
                self._add(own, index)
            return Reading(list(self._messages), same)

    def write(self, shown: Sequence[Message]) -> list[BaseMessage]:
        """What a view shows; the very object that was read where nothing was changed."""
        made: dict[int, tuple[Message, BaseMessage]] = {}
        out: list[BaseMessage] = []
        for message in shown:
            own = self._read_as(message)
            if own is None:
                known = self._made.get(id(message)) or (message, to_langchain(message))
                made[id(message)] = known
                own = known[1]
            out.append(own)
        self._made = made
        return out

    def _unchanged(self, messages: Sequence[BaseMessage]) -> int:
        """How many of them, from the first on, are what was read last."""
        length = min(len(self._own), len(messages))
        place = max(0, length - NEWEST) if all(map(operator.is_, self._own, messages)) else 0
        while place < length and self._own[place] is messages[place]:
            if self._parts[place] != _parts(messages[place]):
                break
            place += 1
        return place

    def _add(self, own: BaseMessage, index: int) -> None:
        try:
            message = from_langchain(own)
        except InvalidMessage as error:
            raise InvalidMessage(error.reason, index) from None
        self._own.append(own)
        self._messages.append(message)
        self._parts.append(_parts(own))
        if own.id is not None:
            self._by_id[own.id] = (message, own)

    def _read_as(self, message: Message) -> BaseMessage | None:
        read = None if message.id is None or message.edited else self._by_id.get(message.id)
        return read[1] if read is not None and (read[0] is message or read[0] == message) else None


def _parts(message: BaseMessage) -> Parts:
    """Whoever changes a message in place puts something else here; a list that is itself changed is read."""
    content: Any = message.content
    calls = getattr(message, "tool_calls", None)
    return (content if isinstance(content, str) else repr(content), message.id, repr(calls) if calls else "")
