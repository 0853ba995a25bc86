"""The view that a fork begins with: what its ancestor's showed, as far as it was said by then."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from context_compaction.view.entries import Edited, Entry, Gap, Kept, Summary, SummaryRecord
from context_compaction.view.view import View


def forked(
    view: View,
    at: int,
    summaries: Mapping[int, SummaryRecord],
    pruned: Collection[int] = (),
    stay: Collection[int] = (),
) -> View:
    """``view`` for a log that ends at message ``at``. Its summaries must all be of messages up to there.

    ``pruned``: messages up to ``at`` that are gone. An old view may still show them; here they are gaps.
    ``stay``: what no edit may touch in a log that ends there (`usable`).
    """
    end = at if view.head_end > at or any(seq > view.head_end for seq in pruned) else view.head_end
    entries = list(view.head)
    if view.head_end > at:
        entries = [entry for found in view.head if (entry := _until(found, at, stay)) is not None]
    # Also a system message that was replaced later on, and so is none of the view's entries, stands again.
    named = replace(view, head=tuple(entries)).accounted(dict(summaries))
    entries += [Kept(seq) for seq in range(1, end + 1) if seq not in named]
    pins = tuple(pin for pin in view.pins if pin.seq <= at)
    return replace(view, pins=pins).rebuilt([_present(entry, pruned) for entry in entries], end)


def last_shared_summary(summaries: Mapping[int, SummaryRecord], at: int) -> int:
    """Up to which number summaries know nothing of what was said behind message ``at``."""
    later = [number for number, record in summaries.items() if record.ranges and record.ranges[-1][1] > at]
    return min(later) - 1 if later else max(summaries, default=0)


def usable(
    view: View, summaries: Mapping[int, SummaryRecord], last_summary: int, stay: Collection[int] = ()
) -> bool:
    """Whether a fork that shares summaries up to ``last_summary`` can begin with the view.

    ``stay``: the newest user message and the newest group of the log as it was then. Nothing that has left
    may hold them, as nothing may leave that is newest.
    """
    if any(number > last_summary for number in view.summaries):
        return False
    hidden = [(gap.first, gap.last) for gap in view.gaps]
    hidden += [reach for number in view.summaries for reach in summaries[number].ranges]
    return not any(first <= seq <= last for seq in stay for first, last in hidden)


def _present(entry: Entry, pruned: Collection[int]) -> Entry:
    if isinstance(entry, (Kept, Edited)) and entry.seq in pruned:
        return Gap(entry.seq, entry.seq)
    return entry


def _until(entry: Entry, at: int, stay: Collection[int]) -> Entry | None:
    if isinstance(entry, Summary):
        return entry
    if isinstance(entry, Gap):
        return Gap(entry.first, min(entry.last, at)) if entry.first <= at else None
    if entry.seq > at:
        return None
    # A duplicate is of no use without the later message that it repeats.
    if isinstance(entry, Edited) and ("duplicate" in entry.reason or entry.seq in stay):
        return Kept(entry.seq)
    return entry
