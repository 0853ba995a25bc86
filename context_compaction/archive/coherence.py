"""What a summary and a view must be, whatever they are stored in: of messages and summaries that exist."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from context_compaction.view import Gap, Range, Summary, SummaryRecord, View, range_text


def wrong_summary(record: SummaryRecord, last_seq: int, known: Collection[int]) -> str | None:
    """What is wrong with a summary of a log that ends at ``last_seq``; ``known`` are the summaries it has."""
    if not record.ranges:
        return "names no messages"
    end = 0
    for first, last in record.ranges:
        if not end < first <= last:
            return "its ranges are not in order"
        end = last
    if end > last_seq:
        return f"stands for m:{end}, but the log ends at m:{last_seq}"
    lost = next((source for source in record.sources if source not in known or source >= record.id), None)
    return None if lost is None else f"was made from s:{lost}, which is not there"


def wrong_view(
    view: View, summaries: Mapping[int, SummaryRecord], superseded: Collection[int], last_seq: int
) -> str | None:
    """What is wrong with a branch's present view: it names each message up to its end once.

    ``superseded`` system messages may be left out. As `invariants.accounted`, but of numbers that may be
    anything, so without a list of them all.
    """
    if not 0 <= view.head_end <= last_seq:
        return f"reaches to m:{view.head_end}, but the log ends at m:{last_seq}"
    lost = next((number for number in view.summaries if number not in summaries), None)
    if lost is not None:
        return f"shows s:{lost}, which is not there"
    end = 0
    for first, last in sorted(_named(view, summaries)):
        if first > last or last > view.head_end or first < 1:
            return f"names {range_text(((first, last),))}, which is not up to its end m:{view.head_end}"
        if first <= end:
            return f"names m:{first} twice"
        if missing := _missing(end, first, superseded):
            return f"does not name m:{missing}"
        end = last
    missing = _missing(end, view.head_end + 1, superseded)
    return f"does not name m:{missing}" if missing else None


def _named(view: View, summaries: Mapping[int, SummaryRecord]) -> list[Range]:
    named: list[Range] = []
    for entry in view.head:
        if isinstance(entry, Gap):
            named.append((entry.first, entry.last))
        elif isinstance(entry, Summary):
            named += summaries[entry.id].ranges
        else:
            named.append((entry.seq, entry.seq))
    return named


def _missing(end: int, following: int, superseded: Collection[int]) -> int | None:
    """The first message between two that are named which should be, too."""
    return next((seq for seq in range(end + 1, following) if seq not in superseded), None)
