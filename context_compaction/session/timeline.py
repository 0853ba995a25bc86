"""`Timeline`: what was said and what was seen, message by message, in tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

from context_compaction.events import CompactionEvent


class Point(NamedTuple):
    """How things stood behind one message. A compaction adds a second point of the same number."""

    seq: int
    said: int
    """Tokens of the log up to it."""
    seen: int
    """Tokens of the view."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """The course of a session. Between compactions the view grows by what is appended."""

    points: tuple[Point, ...]
    input_tokens: int
    """What a context may hold."""
    trigger: int | None
    """The tokens over which the first rule compacts; None where its trigger is a number of messages."""
    compactions: tuple[CompactionEvent, ...]
    """Those that were committed, oldest first."""


def points_of(
    sizes: Sequence[int], compactions: Sequence[CompactionEvent], tokens_seen: int
) -> tuple[Point, ...]:
    """The course of a log of messages of these ``sizes`` that is now seen as ``tokens_seen``.

    Worked out backwards from what each compaction found: a forked log begins with a view that is not its own.
    """
    said = (0, *accumulate(sizes))
    last = len(sizes)
    points = [Point(0, 0, 0)]

    def grow(at: int, seen: int) -> None:
        after = points[-1].seq + 1
        points.extend(
            Point(seq, said[seq], max(0, seen - said[at] + said[seq])) for seq in range(after, at + 1)
        )

    for event in compactions:
        at = min(event.at_seq, last)
        grow(at, event.tokens_before)
        points.append(Point(at, said[at], event.tokens_after))
    grow(last, tokens_seen)
    return tuple(points)
