"""`Shown`: what is sent, to be read without a copy of ten thousand messages at every call of a model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

from context_compaction.messages.lists import MessageList
from context_compaction.messages.message import Message


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Shown(Sequence[Message]):
    """The first so many of a renderer's messages, which only become more, and a recalled block among them."""

    _messages: list[Message]
    _count: int
    _block: Message | None = None
    _place: int = 0
    """So many messages stand before the block."""

    def grew_from(self, before: Shown) -> bool:
        """Whether ``before`` is how this begins: known by what they are made of, without a look at it."""
        return (
            before._messages is self._messages
            and before._count <= self._count
            and before._block is self._block
            and before._place == self._place
        )

    def since(self, first: int) -> list[Message]:
        """All from ``first`` on."""
        if self._block is None:
            return self._messages[first : self._count]
        if first > self._place:
            return self._messages[first - 1 : self._count]
        before, behind = self._messages[first : self._place], self._messages[self._place : self._count]
        return [*before, self._block, *behind]

    def listed(self) -> MessageList:
        """A list of them, to keep or to change."""
        found = MessageList(self._messages)  # copied once: ten thousand take longer than all else
        del found[self._count :]
        if self._block is not None:
            found.insert(self._place, self._block)
        return found

    def __len__(self) -> int:
        """How many messages are sent."""
        return self._count + (self._block is not None)

    @overload
    def __getitem__(self, index: int) -> Message: ...
    @overload
    def __getitem__(self, index: slice) -> list[Message]: ...
    def __getitem__(self, index: int | slice) -> Message | list[Message]:
        """One of them, or a list of some."""
        if isinstance(index, slice):
            return self.since(0)[index]
        place = range(len(self))[index]
        if self._block is None or place < self._place:
            return self._messages[place]
        return self._block if place == self._place else self._messages[place - 1]

    def __iter__(self) -> Iterator[Message]:
        """All of them, as they are now."""
        return iter(self.since(0))
