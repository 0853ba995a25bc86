"""Where a list and a log agree: the longest part that both have, and whether it reaches the log's end.

A list that somebody else keeps may begin anywhere in the log (its beginning was trimmed), or be the view
that we rendered. As long as it follows the log to its end, what comes behind is new. If it leaves the log
before, the log has to fork there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from context_compaction.session.sync.items import Item
from context_compaction.session.sync.ours import Ours
from context_compaction.session.sync.outline import Outline, positions

NEWEST = 8
"""Content is compared for so many messages at either end of what is newest, whatever their ids."""
STARTS = 64
"""At so many places at most a list is tried against the log."""


@dataclass(frozen=True, slots=True)
class Match:
    """Items from the first on that agree with consecutive numbers of an order."""

    seqs: tuple[int, ...]
    """The number of each of them."""
    whole: bool
    """Whether they reach the end of the order: what comes behind them is new."""

    @property
    def worth(self) -> tuple[bool, int]:
        """To choose by: no fork before a fork, then as much as possible shared."""
        return self.whole, len(self.seqs)


NOTHING = Match((), whole=False)


class Matcher:
    """Compares the items of one list with one log."""

    def __init__(self, outline: Outline, ours: Ours, *, deep: bool, total: int) -> None:
        self._outline = outline
        self._ours = ours
        self._deep = deep
        self._total = total

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

    def match(self, items: Sequence[Item], order: Sequence[int]) -> Match:
        """The best agreement of the items with an order of messages, from wherever the first item stands."""
        if not items or not order:
            return Match((), whole=not order)
        places = positions(order)
        starts = sorted(places[seq] for seq in self._candidates(items[0], order[0]) if seq in places)
        reaching = [start for start in starts if len(order) - start <= len(items)]
        for start in reaching[:STARTS]:
            found = self._run(items, order, start)
            if found.whole:
                return found
        # It leaves the log somewhere. A list that begins where the log does is taken to be all of it.
        if 0 in starts:
            return self._run(items, order, 0)
        tried = (self._run(items, order, start) for start in starts[:STARTS])
        return max(tried, key=lambda found: len(found.seqs), default=NOTHING)

    def _run(self, items: Sequence[Item], order: Sequence[int], start: int) -> Match:
        seqs: list[int] = []
        for item, seq in zip(items, order[start : start + len(items)], strict=False):
            if not self.same(item, seq):
                break
            seqs.append(seq)
        return Match(tuple(seqs), whole=start + len(seqs) == len(order))

    def _candidates(self, item: Item, first: int) -> Iterable[int]:
        """The messages that the item might be; ``first`` is the one that the order begins with."""
        if item.known is not None:
            return (item.known,)
        if (seq := self._outline.with_id(item.id)) is not None:
            return (seq,) if self.same(item, seq) else ()
        found = self._outline.with_digest(item.digest)
        if found:
            return found
        seq = self._ours.candidate(item)
        return (first,) if seq is None else (seq,)

    def _is_new(self, item: Item, seq: int) -> bool:
        return item.index >= self._total - NEWEST or seq > self._outline.end - NEWEST
