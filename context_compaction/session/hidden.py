"""What a view does not show of its log: what has left it, and what was cut out of its messages."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping

from context_compaction.view import Edited, Gap, Range, Summary, SummaryRecord, View

_STILL_SHOWN = frozenset({"reasoning", "duplicate"})
"""Edits that take nothing away: what they left out is no answer, or stands in a later message."""


class Hidden:
    """Numbers of messages that are in a Gap or a Summary, or Edited; ``seq in hidden`` asks for one."""

    def __init__(self, view: View, summaries: Mapping[int, SummaryRecord], before: int) -> None:
        """``before``: only messages of lower numbers, those that were said before the question."""
        ranges: list[Range] = []
        for entry in view.head:
            if isinstance(entry, Gap):
                ranges.append((entry.first, entry.last))
            elif isinstance(entry, Summary):
                ranges += summaries[entry.id].ranges
            elif isinstance(entry, Edited) and not _STILL_SHOWN.issuperset(entry.reason.split("+")):
                ranges.append((entry.seq, entry.seq))
        self._ranges = sorted(found for found in ranges if found[0] < before)
        self._firsts = [first for first, _ in self._ranges]
        self.before = before

    def __bool__(self) -> bool:
        return bool(self._ranges)

    def __contains__(self, seq: object) -> bool:
        if not isinstance(seq, int) or seq >= self.before:
            return False
        place = bisect_right(self._firsts, seq)
        return place > 0 and seq <= self._ranges[place - 1][1]
