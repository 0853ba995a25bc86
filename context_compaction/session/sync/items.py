"""The list as it came, each message read only as far as it has to be; and the list of last time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from context_compaction.errors import InvalidMessage
from context_compaction.messages import Message
from context_compaction.messages.storage import content_digest
from context_compaction.session.staging import MessageLike

SYSTEM = ("system", "developer")


class Item:
    """One message of the list."""

    __slots__ = ("_digest", "_message", "given", "index", "known")

    def __init__(self, index: int, given: MessageLike, known: int | None = None) -> None:
        self.index = index
        self.given = given
        self.known = known
        """Its number in the log, if it is as it was at the last sync."""
        self._message: Message | None = given if isinstance(given, Message) else None
        self._digest: bytes | None = None

    @property
    def id(self) -> str | None:
        """Read without reading the rest."""
        if self._message is not None:
            return self._message.id
        found = cast("Mapping[str, Any]", self.given).get("id")
        return found if isinstance(found, str) else None

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

    @property
    def digest(self) -> bytes:
        """Of what it says."""
        if self._digest is None:
            self._digest = content_digest(self.message)
        return self._digest


class Remembered:
    """The list of the last sync, with the number that each of its messages has in the log."""

    def __init__(self, branch: int, messages: Sequence[MessageLike], seqs: Sequence[int | None]) -> None:
        self.branch = branch
        self._seqs = list(seqs)
        self._messages = [_copied(message) for message in messages[: len(seqs)]]

    def fresh(self, messages: Sequence[MessageLike], branch: int, last_seq: int) -> list[Item] | None:
        """What follows, if all that is remembered begins the list and goes to the end of the log.

        None if it does not, or if nothing is remembered but a system head.
        """
        count = len(self._seqs)
        end = next((seq for seq in reversed(self._seqs) if seq is not None), 0)
        if branch != self.branch or not count or end != last_seq or self._only_head():
            return None
        # One comparison for all: most strings are the same objects, so it costs little a message.
        if len(messages) < count or list(messages[:count]) != self._messages:
            return None
        return [Item(index, message) for index, message in enumerate(messages[count:], count)]

    def items(self, messages: Sequence[MessageLike], branch: int) -> list[Item]:
        """The list's messages; those at its beginning that did not change have their numbers."""
        same = self._unchanged(messages) if branch == self.branch else 0
        return [
            Item(index, message, self._seqs[index] if index < same else None)
            for index, message in enumerate(messages)
        ]

    def add(self, messages: Sequence[MessageLike], seqs: Sequence[int | None]) -> None:
        """Remember these, too, behind the others."""
        self._messages += [_copied(message) for message in messages[: len(seqs)]]
        self._seqs += seqs

    def _only_head(self) -> bool:
        return all(Item(0, message).role in SYSTEM for message in self._messages[-1:])

    def _unchanged(self, messages: Sequence[MessageLike]) -> int:
        """How many messages at the beginning are as they were."""
        count = 0
        for before, now in zip(self._messages, messages, strict=False):
            if before is not now and before != now:
                break
            count += 1
        return count


def _copied(value: Any) -> Any:
    """The containers copied, as their owner may change them; a `Message` cannot change."""
    if isinstance(value, dict):
        return {key: _copied(part) for key, part in cast("dict[Any, Any]", value).items()}
    if isinstance(value, list):
        return [_copied(part) for part in cast("list[Any]", value)]
    if isinstance(value, Mapping):
        return {key: _copied(part) for key, part in cast("Mapping[Any, Any]", value).items()}
    return value
