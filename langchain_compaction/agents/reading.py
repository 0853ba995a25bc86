"""An agent's messages as the engine reads them, and back: what did not change is not read again."""

from __future__ import annotations

import operator
import threading
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import BaseMessage

from context_compaction import InvalidMessage, Message, Shown
from langchain_compaction.messages import from_langchain, to_langchain

NEWEST = 8
"""So many of the messages that are the objects that were read are looked into again."""
Says = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """A list as it was read. Copied only where it is used: most of it is known to whoever asks."""

    _all: list[Message]
    """Of the reader, which adds to it, and begins another one where it would take from it."""
    length: int
    same: int
    """So many of them, from the first on, are what was read last."""

    def __getitem__(self, place: int) -> Message:
        return self._all[place]

    def since(self, first: int) -> list[Message]:
        """All from ``first`` on."""
        return self._all[first : self.length]


class Reader:
    """Reads a list that grows from call to call. Safe to use from threads.

    Within a run the state's messages are the objects that they were; a checkpoint brings new ones, which are
    compared by what they say. Either way only what is new is converted.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._own: list[BaseMessage] = []
        self._messages: list[Message] = []
        self._says: list[Says] = []
        """What each said when it was read."""
        self._places: dict[str, int] = {}
        """By id, which of them it is."""
        self._shown = Shown([], 0)
        self._written: list[BaseMessage] = []
        """What was shown last, and what was made for it."""

    def read(self, messages: Sequence[BaseMessage]) -> Reading:
        """All of them. Raises `InvalidMessage` with the index of the first that cannot be read."""
        with self._lock:
            known = len(self._messages)
            if _grew(self._own, messages):
                first = max(0, known - NEWEST)
                same = first + _agreeing(self._says[first:], map(_says, messages[first:known]))
            else:
                same = _agreeing(self._says, map(_says, messages))
                self._own, self._shown, self._written = list(messages), Shown([], 0), []
            if same < known:
                self._forget(same)
            for index, own in enumerate(messages[same:], same):
                self._add(own, index)
            return Reading(self._messages, len(messages), same)

    def write(self, shown: Shown, given: Sequence[BaseMessage] = ()) -> list[BaseMessage]:
        """What a view shows; the very object that was read where nothing was changed.

        ``given``: a list that is given back itself where it is all that is shown.
        """
        with self._lock:
            known: dict[int, tuple[Message, BaseMessage]] = {}
            if not shown.grew_from(self._shown):
                known = {id(message): (message, own) for message, own in self._made()}
                self._written = []
            self._shown = shown
            for message in shown.since(len(self._written)):
                own = self._read_as(message) or known.get(id(message), (None, None))[1]
                self._written.append(to_langchain(message) if own is None else own)
            if isinstance(given, list) and _are_same(self._written, given):
                return given
            return list(self._written)

    def is_own(self, message: BaseMessage) -> bool:
        """Whether it is one of the objects that were read."""
        place = self._places.get(message.id or "", -1)
        return 0 <= place < len(self._own) and self._own[place] is message

    def _made(self) -> list[tuple[Message, BaseMessage]]:
        """Of what was shown last, what is no message that was read."""
        pairs = zip(self._shown, self._written, strict=True)
        return [(message, own) for message, own in pairs if self._read_as(message) is None]

    def _forget(self, first: int) -> None:
        """All from ``first`` on."""
        del self._says[first:]
        self._messages = self._messages[:first]
        self._places = {key: place for key, place in self._places.items() if place < first}

    def _add(self, own: BaseMessage, index: int) -> None:
        try:
            message = from_langchain(own)
        except InvalidMessage as error:
            raise InvalidMessage(error.reason, index) from None
        self._messages.append(message)
        self._says.append(tuple(map(_kept, _says(own))))
        if own.id is not None:
            self._places[own.id] = index

    def _read_as(self, message: Message) -> BaseMessage | None:
        place = None if message.id is None or message.edited else self._places.get(message.id)
        if place is None:
            return None
        read = self._messages[place]
        return self._own[place] if read is message or read == message else None


def _grew(before: list[Any], now: Sequence[Any]) -> bool:
    """Whether ``before`` is how ``now`` begins. Then it is ``now``; else it is as it was.

    Lists of the same objects are equal without a look at these: at ten thousand messages that is a tenth of
    what going through them takes.
    """
    length = len(before)
    if length > len(now) or (length and before[-1] is not now[length - 1]):
        return False
    before += now[length:]
    equal = _are_same(before, now)
    if not equal:
        del before[length:]
    return equal


def _are_same(before: list[Any], now: Sequence[Any]) -> bool:
    """Whether these are the same objects; equal ones between the first and the last will do."""
    if len(before) != len(now) or (before and (before[0] is not now[0] or before[-1] is not now[-1])):
        return False
    try:
        return before == now
    except Exception:  # noqa: BLE001 - an artifact that cannot be compared, such as a data frame
        return False


def _agreeing(before: Sequence[Says], now: map[Says]) -> int:
    """How many are equal, from the first on."""
    place = -1
    for place, equal in enumerate(map(operator.eq, before, now)):
        if not equal:
            return place
    return place + 1


def _kept(said: Any) -> Any:
    """A copy, since its owner may change it; most of what is none yet is empty."""
    if said is None or isinstance(said, str):
        return said
    return deepcopy(said) if said else type(said)()


_AI = operator.attrgetter(
    "content", "id", "name", "type", "tool_calls", "invalid_tool_calls", "additional_kwargs"
)
_TOOL = operator.attrgetter("content", "id", "name", "type", "tool_call_id", "status")
_ANY = operator.attrgetter("content", "id", "name", "type", "additional_kwargs")
_FIELDS: Mapping[str, Callable[[BaseMessage], Says]] = {"ai": _AI, "AIMessageChunk": _AI, "tool": _TOOL}


def _says(message: BaseMessage) -> Says:
    """All that the engine makes something of; whoever edits a message puts something else here."""
    return _FIELDS.get(message.type, _ANY)(message)
