"""The list as it came, each message read only as far as it has to be; and the list of last time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from context_compaction.errors import InvalidMessage
from context_compaction.messages import Message
from context_compaction.messages.openai import check_raw
from context_compaction.messages.storage import content_digest
from context_compaction.session.staging import MessageLike

SYSTEM = ("system", "developer")
MADE_UP = 0
"""Stands for the number of a message that is ours and none of the log."""


class Item:
    """One message of the list. Raises `InvalidMessage` for what can be none."""

    __slots__ = ("_digest", "_message", "given", "index", "known")

    def __init__(self, index: int, given: MessageLike, known: int | None = None) -> None:
        if not isinstance(given, (Message, Mapping)):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidMessage(
                f"expected a dict in OpenAI's chat format or a Message, not {type(given).__name__}", index
            )
        self.index = index
        self.given = given
        self.known = known
        """Its number in the log, if it is as it was at the last sync (`MADE_UP` for none)."""
        self._message: Message | None = given if isinstance(given, Message) else None
        self._digest: bytes | None = None

    @property
    def id(self) -> str | None:
        """Read without reading the rest."""
        if self._message is not None:
            return self._message.id
        found = cast("Mapping[str, Any]", self.given).get("id")
        return found if isinstance(found, str) and found else None

    @property
    def role(self) -> str:
        """Read without reading the rest; empty when there is none."""
        if self._message is not None:
            return self._message.role
        return str(cast("Mapping[str, Any]", self.given).get("role", ""))

    @property
    def message(self) -> Message:
        """Raises `InvalidMessage` with its place in the list."""
        if self._message is None:
            try:
                self._message = Message.from_openai(cast("Mapping[str, Any]", self.given))
            except InvalidMessage as error:
                raise InvalidMessage(error.reason, self.index) from None
        return self._message

    def stored(self) -> Message:
        """The message on its way into the log. Raises as `message` does."""
        if isinstance(self.given, Message):
            try:
                check_raw(self.given)
            except InvalidMessage as error:
                raise InvalidMessage(error.reason, self.index) from None
        return self.message

    @property
    def digest(self) -> bytes:
        """Of what it says."""
        if self._digest is None:
            self._digest = content_digest(self.message)
        return self._digest

    def anew(self) -> Item:
        """The same message for comparing with another branch, where it has another number or none."""
        item = Item(self.index, self.given, MADE_UP if self.known == MADE_UP else None)
        item._message, item._digest = self._message, self._digest
        return item


class Remembered:
    """The list of the last sync, with the number that each of its messages has in the log."""

    def __init__(self) -> None:
        self._branch = 0
        self._messages: list[MessageLike] = []
        self._numbers: tuple[int, ...] = ()
        self._head = 0
        self._places: dict[int, int] = {}
        """For each message of the list looked at last that did not change, where it stood before."""

    def items(self, messages: Sequence[MessageLike], branch: int) -> list[Item]:
        """The list's messages; those that did not change have their numbers."""
        self._places = self._unchanged(messages) if branch == self._branch else {}
        known = {index: self._numbers[place] for index, place in self._places.items()}
        return [Item(index, message, known.get(index)) for index, message in enumerate(messages)]

    def keep(self, branch: int, items: Sequence[Item], numbers: Sequence[int]) -> None:
        """Remember the list that was looked at last; what did not change is not copied again."""
        before, places = self._messages, self._places
        self._branch, self._numbers, self._head = branch, tuple(numbers), _head_length(items)
        self._messages = [
            before[places[item.index]] if item.index in places else _copied(item.given) for item in items
        ]

    def _unchanged(self, messages: Sequence[MessageLike]) -> dict[int, int]:
        """The system head is compared by itself: where it changed, all behind may still be as it was."""
        before, shift = self._messages, _head_length(messages) - self._head
        heads = range(min(self._head, self._head + shift))
        places = {place: place for place in heads if _equal(before[place], messages[place])}
        for place in range(self._head, min(len(before), len(messages) - shift)):
            if not _equal(before[place], messages[place + shift]):
                break
            places[place + shift] = place
        return places


def _equal(before: MessageLike, now: MessageLike) -> bool:
    return before is now or before == now


def _head_length(messages: Sequence[MessageLike | Item]) -> int:
    """How many system messages a list begins with."""
    for place, message in enumerate(messages):
        role = message.get("role") if isinstance(message, Mapping) else getattr(message, "role", None)
        if role not in SYSTEM:
            return place
    return len(messages)


def _copied(value: Any) -> Any:
    """The containers copied, as their owner may change them; a `Message` cannot change."""
    if isinstance(value, Mapping):
        return {key: _copied(part) for key, part in cast("Mapping[Any, Any]", value).items()}
    if isinstance(value, list):
        return [_copied(part) for part in cast("list[Any]", value)]
    return value
