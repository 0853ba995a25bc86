"""Which part of a log is asked for: after and before what, by message or by time."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from context_compaction.archive.base import Archive
from context_compaction.errors import QueryError
from context_compaction.text.dates import epoch
from context_compaction.view import Range

Bound = int | str | date | datetime
"""A message (``57`` or ``"m:57"``), or a time: a date, a datetime, or either as text; UTC if zoneless."""
_REFERENCE = re.compile(r"m:(\d{1,18})")
_MONTH = re.compile(r"\d{4}(-\d{2})?")
_MOST = 2**62


@dataclass(frozen=True, slots=True)
class Bounds:
    """Messages ``first`` to ``last``, said from ``since`` until before ``until``."""

    first: int = 1
    last: int = _MOST
    since: float | None = None
    """Epoch seconds, as ``until``."""
    until: float | None = None

    @classmethod
    def of(cls, after: Bound | None, before: Bound | None) -> Bounds:
        """What lies between two bounds: behind a message, or from a time on; and before a message or time.

        A day (``2026-03-01``), a month or a year begins where its first moment is. Raises `QueryError`.
        """
        first, since = _read("after", after)
        last, until = _read("before", before)
        return cls(
            1 if first is None else min(first, _MOST) + 1,
            _MOST if last is None else min(last - 1, _MOST),
            since,
            until,
        )

    def times(self) -> tuple[float | None, float | None]:
        """From when and until when. Raises `QueryError` where a message is a bound."""
        if (self.first, self.last) != (1, _MOST):
            raise QueryError(
                "a message bounds nothing over sessions; give after and before as times, such as '2026-03-01'"
            )
        return self.since, self.until

    def within(self, archive: Archive, branch: int) -> Ranges | None:
        """What of a branch's log lies between them; None where nothing bounds it."""
        if self == Bounds():
            return None
        found: list[Range] = [(1, _MOST)]
        if self.since is not None or self.until is not None:
            found = archive.said_within(branch, self.since, self.until)
        clipped = [(max(start, self.first), min(end, self.last)) for start, end in found]
        return Ranges([(start, end) for start, end in clipped if start <= end])


class Ranges:
    """Numbers of messages; ``seq in ranges`` asks for one."""

    def __init__(self, ranges: Sequence[Range]) -> None:
        """``ranges`` ascend and do not overlap."""
        joined: list[Range] = []
        for first, last in ranges:
            if joined and joined[-1][1] + 1 == first:
                joined[-1] = (joined[-1][0], last)
            else:
                joined.append((first, last))
        self.ranges: Sequence[Range] = joined
        self._firsts = [first for first, _ in joined]

    def __contains__(self, seq: object) -> bool:
        return isinstance(seq, int) and self.covers([(seq, seq)])

    def covers(self, wanted: Sequence[Range]) -> bool:
        """Whether all of the wanted ranges are here."""
        places = [(bisect_right(self._firsts, first) - 1, last) for first, last in wanted]
        return all(place >= 0 and last <= self.ranges[place][1] for place, last in places)


def _read(name: str, bound: Bound | None) -> tuple[int | None, float | None]:
    """The message or the time that a bound names."""
    if bound is None:
        return None, None
    if isinstance(bound, int) and not isinstance(bound, bool) and bound >= 0:
        return bound, None
    if isinstance(bound, date):
        return None, _moment(bound).timestamp()
    if isinstance(bound, str):
        if found := _REFERENCE.fullmatch(bound.strip()):
            return int(found[1]), None
        if (time := _time(bound.strip())) is not None:
            return None, time
    raise QueryError(
        f"{name} is {str(bound)[:80]!r}; it can be a message such as 'm:57', or a time such as '2026-03-01' "
        "or '2026-03-01T09:30:00Z'"
    )


def _moment(bound: date | datetime) -> datetime:
    if not isinstance(bound, datetime):
        return datetime(bound.year, bound.month, bound.day, tzinfo=UTC)
    return bound if bound.tzinfo else bound.replace(tzinfo=UTC)


def _time(text: str) -> float | None:
    if _MONTH.fullmatch(text):
        text = f"{text}-01-01"[:10]
    return epoch(text)
