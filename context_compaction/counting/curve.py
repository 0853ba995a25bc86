"""`Curve`: the tokens a provider reported over the tokens we counted, as a prompt grew."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from operator import itemgetter

Point = tuple[int, int]
"""Counted tokens, reported tokens."""
MAX_POINTS = 48


@dataclass(frozen=True, slots=True)
class Curve:
    """A rising line from ``(0, overhead)`` to the last report; at most `MAX_POINTS` points, in tokens.

    Raises `ValueError` for points that are no such line.
    """

    points: tuple[Point, ...] = ()

    def __post_init__(self) -> None:
        pairs = tuple(zip(self.points, self.points[1:], strict=False))
        rising = all(x < right and y <= upper for (x, y), (right, upper) in pairs)
        if self.points and not (self.points[0][0] == 0 <= self.points[0][1] and pairs and rising):
            raise ValueError("a curve rises from (0, overhead) to at least one report")

    @property
    def overhead(self) -> int:
        """Where the line begins: what is reported for no message at all."""
        return self.points[0][1] if self.points else 0

    def level(self, raw: int, ratio: float) -> float:
        """The height for ``raw`` counted tokens: a shorter prompt is taken to be the tail of this one."""
        last_raw, last_reported = self.points[-1]
        if raw >= last_raw:
            return last_reported + ratio * (raw - last_raw)
        return self.overhead + last_reported - self._at(last_raw - raw)

    def reach(self, raw: int, reported: int) -> Curve:
        """The line that ends at this report: grown, or, when the prompt shrank, its tail at this height."""
        kept = self.points if raw >= self.points[-1][0] else self._tail(raw, reported)
        # What was reported lower later cannot have cost more before: the line never falls.
        lowered = [(x, min(y, reported)) for x, y in kept if x < raw]
        return Curve(_thin([*lowered, (raw, reported)]))

    def _tail(self, raw: int, reported: int) -> tuple[Point, ...]:
        cut = self.points[-1][0] - raw
        start, end, base = self._at(cut), self.points[-1][1], self.overhead
        scale = max(reported - base, 0) / (end - start) if end > start else 0.0
        return ((0, base), *((x - cut, base + round((y - start) * scale)) for x, y in self.points if x > cut))

    def _at(self, raw: int) -> float:
        """The height at a place between the first and the last point."""
        place = bisect_left(self.points, raw, key=itemgetter(0))
        right, upper = self.points[place]
        if right == raw:
            return upper
        left, lower = self.points[place - 1]
        return lower + (upper - lower) * (raw - left) / (right - left)


def _thin(points: list[Point]) -> tuple[Point, ...]:
    """Without the inner points that the line needs least, down to `MAX_POINTS`."""
    while len(points) > MAX_POINTS:
        triples = zip(points, points[1:], points[2:], strict=False)
        bends = [_bend(*triple) for triple in triples]
        del points[bends.index(min(bends)) + 1]
    return tuple(points)


def _bend(before: Point, point: Point, after: Point) -> float:
    """How far the line would move if the middle point went, in reported tokens."""
    share = (point[0] - before[0]) / (after[0] - before[0])
    return abs(before[1] + (after[1] - before[1]) * share - point[1])
