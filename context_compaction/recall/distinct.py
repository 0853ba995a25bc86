"""Of a summary and what it stands for, one is enough."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from context_compaction.recall.ranking import Ranked
from context_compaction.view import Range, SummaryRecord

FINER = 2.0
"""What a summary scores has to be so many times what a message under it does: it holds more words of
everything, and who reads a message needs no second look."""


def distinct(ranked: Iterable[Ranked], summaries: Mapping[int, SummaryRecord]) -> list[Ranked]:
    """The candidates in their order, less those that say again what a better one says."""
    found = list(ranked)
    if not any(one.summary for one in found):
        return found
    kept: list[Ranked] = []
    for one in sorted(found, key=lambda each: -_worth(each, summaries)):
        if not any(_overlap(one, other, summaries) for other in kept if one.summary or other.summary):
            kept.append(one)
    chosen = {(one.seq, one.summary) for one in kept}
    return [one for one in found if (one.seq, one.summary) in chosen]


def _worth(found: Ranked, summaries: Mapping[int, SummaryRecord]) -> float:
    """The score, of a summary less with each generation."""
    return found.score / FINER ** (summaries[found.summary].generation + 1) if found.summary else found.score


def _overlap(one: Ranked, other: Ranked, summaries: Mapping[int, SummaryRecord]) -> bool:
    return any(
        a <= last and first <= b
        for first, last in _ranges(one, summaries)
        for a, b in _ranges(other, summaries)
    )


def _ranges(found: Ranked, summaries: Mapping[int, SummaryRecord]) -> Sequence[Range]:
    return summaries[found.summary].ranges if found.summary else [(found.seq, found.seq)]
