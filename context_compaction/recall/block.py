"""`Block`: a recalled block in the making, which takes what still fits."""

from __future__ import annotations

from collections.abc import Container

from context_compaction.counting import TokenCounter
from context_compaction.messages import Message, quotable
from context_compaction.recall.passages import Telling
from context_compaction.render import GAP, Quote, Spans, quote, quoted_by, recalled_message
from context_compaction.text.dates import date_text

_LONGEST_TOKEN = 16
"""Characters that hardly a token has: what is longer than the room by this is not worth counting."""
_FULL = 8
"""Tokens that hardly a line takes: with less left the block is full."""


class Block:
    """Whole messages and lines of messages, in the order of their worth, while there is room for them."""

    def __init__(self, room: int, counter: TokenCounter, shown: Container[str] = ()) -> None:
        """``room``: in tokens. ``shown``: texts that the model sees anyway, which nobody needs to quote."""
        self._room = room
        self._counter = counter
        self._shown = shown
        self._left = room - counter.message(recalled_message(()))
        self._mark = counter.text(GAP) + 1
        self._messages: dict[int, Message] = {}
        self._lines: dict[int, tuple[Telling, set[int]]] = {}
        self._said: set[str] = set()
        self._days: set[str] = set()

    def add(self, seq: int, message: Message, most: int) -> bool:
        """Quote a message, if that takes no more than ``most`` tokens and says something new."""
        if seq in self._messages or not self._is_new(message):
            return False
        return self._take(seq, message, quote(Quote(seq), message), most)

    def add_line(self, seq: int, message: Message, telling: Telling, place: int) -> bool:
        """Quote a line of a message that is not quoted as a whole, if it fits."""
        if self._left < _FULL:
            return False
        if seq not in self._messages:
            line = f"{GAP}\n{telling.line(place)}\n{GAP}"
            if not self._is_new(message) or not self._take(
                seq, message, quoted_by(seq, message) + line, self._left
            ):
                return False
            self._lines[seq] = telling, {place}
            return True
        if seq not in self._lines or place in (chosen := self._lines[seq][1]):
            return False
        cost = self._cost(telling.line(place)) + self._mark * chosen.isdisjoint((place - 1, place + 1))
        if cost > self._left:
            return False
        self._left -= cost
        chosen.add(place)
        return True

    def quotes(self) -> tuple[Quote, ...]:
        """What was chosen, in log order.

        Parts are counted one by one; what they come to together is what is sent, so the last ones may go.
        """
        chosen = {Quote(seq, self._spans(seq)): message for seq, message in self._messages.items()}
        while chosen and self._counter.message(recalled_message(sorted(chosen.items()))) > self._room:
            chosen.popitem()
        return tuple(sorted(chosen))

    def _is_new(self, message: Message) -> bool:
        text = quotable(message).strip()
        return bool(text) and text not in self._said and text not in self._shown

    def _take(self, seq: int, message: Message, line: str, most: int) -> bool:
        day = (date_text(message.timestamp) or "")[:10]
        cost = self._cost(line) + (self._cost(f"[{day}]") if day and day not in self._days else 0)
        if cost > min(most, self._left):
            return False
        self._left -= cost
        self._messages[seq] = message
        self._said.add(quotable(message).strip())
        self._days.add(day)
        return True

    def _cost(self, line: str) -> int:
        """Tokens of a line; more than there are for one that is not worth counting."""
        if len(line) > _LONGEST_TOKEN * self._room:
            return self._room + 1
        return self._counter.text(line) + 1

    def _spans(self, seq: int) -> Spans:
        if seq not in self._lines:
            return ()
        telling, chosen = self._lines[seq]
        spans = telling.spans(chosen)
        return () if spans == ((0, len(telling.text)),) else spans
