"""Where a list and a log agree: the longest part that both have, and whether it reaches the log's end.

A list that somebody else keeps may begin anywhere in the log (its beginning was trimmed), or be the view
that we rendered. As long as it follows the log to its end, what comes behind is new. If it leaves the log
before, the log has to fork there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from context_compaction.session.sync.items import MADE_UP, Item
from context_compaction.session.sync.ours import Ours
from context_compaction.session.sync.outline import Order, Outline, positions

NEWEST = 8
"""Content is compared for so many messages at either end of what is newest, whatever their ids."""
STARTS = 64
"""At so many places at most a list is tried against the log."""


@dataclass(frozen=True, slots=True)
class Match:
    """Items from the first on that agree with consecutive numbers of an order."""

    numbers: tuple[int, ...]
    """For each of them its number, or `MADE_UP` for what is ours between them."""
    whole: bool
    """Whether they reach the end of the order: what comes behind them is new."""
    at: int = 0
    """If they do not: the last message that list and log share; 0 if nothing is known to be."""

    @property
    def seqs(self) -> tuple[int, ...]:
        """The messages that agree."""
        return tuple(seq for seq in self.numbers if seq != MADE_UP)

    @property
    def worth(self) -> tuple[bool, int, int]:
        """To choose by: no fork before a fork, then as much as possible shared."""
        return self.whole, len(self.seqs), self.at


class Matcher:
    """Compares the items of one list with one log."""

    def __init__(self, outline: Outline, ours: Ours, *, deep: bool, total: int, trimmed: bool) -> None:
        self._outline = outline
        self._ours = ours
        self._deep = deep
        self._total = total
        self._trimmed = trimmed

    def same(self, item: Item, seq: int) -> bool:
        """Whether the item is message ``seq``, or what a view showed for it."""
        if item.known is not None:
            return item.known == seq
        row = self._outline[seq]
        if item.id is not None and row.message_id is not None:
            if item.id != row.message_id:
                return False
            if not (self._deep or self._is_new(item, seq)):
                return True
        return self.says(item, seq)

    def says(self, item: Item, seq: int) -> bool:
        """Whether it says what message ``seq`` does, whatever the ids."""
        if item.known is not None:
            return item.known == seq
        row = self._outline[seq]
        if item.digest == row.digest:
            return True
        # All else means reading the message: only where the item can be what is shown for it.
        quoted = row.kind in ("late", "orphan") and item.role == "user"
        return (quoted or item.role == row.role) and self._ours.stands_for(item, seq)

    def match(self, items: Sequence[Item], order: Order) -> Match:
        """The best agreement of the items with an order of messages, from wherever the first item stands."""
        seqs = order.seqs
        if not seqs:
            return Match((), whole=True)
        places = positions(seqs)
        starts = self._starts(seqs, places, self._candidates(items[0], seqs[0]) if items else ())
        # What one message says, a view may have shown for another: looked for where nothing else is whole.
        shown = (self._starts(seqs, places, self._shown_for(item)) for item in items[:1])
        hopeful = len(seqs) - len(items) - len(self._outline.floating)
        for tried in chain([starts], shown):
            for start in [start for start in tried if start >= hopeful][:STARTS]:
                run = self._run(items, order, start)
                if run.whole:
                    return run
        # It leaves the log somewhere. A list that begins where the log does is taken to be all of it.
        tried = [self._run(items, order, start) for start in ([0] if 0 in starts else starts[:STARTS])]
        best = max(tried, key=lambda run: len(run.seqs), default=None)
        return best if best is not None and best.seqs else self._nothing(items, order, places)

    def _run(self, items: Sequence[Item], order: Order, start: int) -> Match:
        """Follow list and order as long as they agree, past what only one of them can have."""
        seqs, numbers, waiting = order.seqs, list[int](), self._waiting(order.seqs, start)
        agreed, place = 0, start
        for item in items:
            found = self._ahead(item, seqs, place)
            passed = next((seq for seq in waiting if self.same(item, seq)), None) if found is None else None
            if found is not None:
                waiting += seqs[place:found]
                numbers.append(seqs[found])
                agreed, place = len(numbers), found + 1
            elif passed is not None:
                waiting.remove(passed)
                numbers.append(passed)
                agreed = len(numbers)
            elif place < len(seqs) and item.known is None and self._is_between(item):
                # A stand-in belongs to the call before it, as the log went on; all else to what comes next.
                agreed += agreed == len(numbers) and self._ours.is_synthetic(item)
                numbers.append(MADE_UP)
            else:
                break
        return self._ended(tuple(numbers[:agreed]), order, place)

    def _ended(self, agreeing: tuple[int, ...], order: Order, place: int) -> Match:
        rest = islice(order.seqs, place, None)
        left = next((seq for seq in rest if seq not in self._outline.floating), None)
        if left is None or not agreeing:
            return Match(agreeing, whole=bool(agreeing))
        last = max((seq for seq in agreeing if seq < left), default=0)
        return Match(agreeing, whole=False, at=max(last, order.hidden_before(left)))

    def _starts(self, seqs: Sequence[int], places: Mapping[int, int], candidates: Iterable[int]) -> list[int]:
        """Where to begin if the first item is one of these messages; a quoted result may stand later.

        Only at the beginning of the order if the list is not trimmed.
        """
        starts: set[int] = set()
        for place in (places[seq] for seq in candidates if seq in places):
            later = place
            if seqs[place] in self._outline.floating:
                while later < len(seqs) and self._outline[seqs[later]].role == "tool":
                    later += 1
            starts |= {place, later}
        return sorted(starts if self._trimmed else starts & {0})

    def _waiting(self, seqs: Sequence[int], start: int) -> list[int]:
        """The results before ``start`` that the list may have behind it."""
        place = start
        while place and self._outline[seqs[place - 1]].role == "tool":
            place -= 1
        return [seq for seq in seqs[place:start] if seq in self._outline.floating]

    def _ahead(self, item: Item, seqs: Sequence[int], place: int) -> int | None:
        """Where the item is: next, or behind results that the list may have later, or was never shown."""
        while place < len(seqs):
            if self.same(item, seqs[place]):
                return place
            if seqs[place] not in self._outline.floating:
                return None
            place += 1
        return None

    def _is_between(self, item: Item) -> bool:
        """Whether it is what we put between messages. Behind the last one it would be the caller's own."""
        return self._ours.is_synthetic(item) or self._ours.is_context(item)

    def _nothing(self, items: Sequence[Item], order: Order, places: Mapping[int, int]) -> Match:
        """None agrees. What had left is shared: up to the first message shown, if that was changed."""
        rest = not self._trimmed or any(seq in places for item in items[1:] for seq in self._found(item))
        return Match(
            (), whole=False, at=order.hidden_before(order.seqs[0] if rest else self._outline.end + 1)
        )

    def _candidates(self, item: Item, first: int) -> Iterable[int]:
        """The messages that the item might be; ``first`` is the one that the order begins with."""
        return self._found(item) or (() if self._outline.with_id(item.id) is not None else (first,))

    def _found(self, item: Item) -> Sequence[int]:
        if item.known is not None:
            return (item.known,)
        if (seq := self._outline.with_id(item.id)) is not None:
            return (seq,) if self.same(item, seq) else ()
        return self._outline.with_digest(item.digest) or self._ours.candidates(item)

    def _shown_for(self, item: Item) -> Sequence[int]:
        """The messages that a view may have shown so; what is known by number or id is no other."""
        known = item.known is not None or self._outline.with_id(item.id) is not None
        return () if known else self._ours.candidates(item)

    def _is_new(self, item: Item, seq: int) -> bool:
        return item.index >= self._total - NEWEST or seq > self._outline.end - NEWEST
