"""Candidates of a search: which documents of a scope hold a term or are of a period, with their counts.

The database only says which documents match. How good they are is for the ranking to say, by the scope's own
statistics: a database's would be those of all tenants, and move with them. However common the words and
however long the log, at most ``limit`` documents are read; the others are only counted.
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from context_compaction.archive.records import SearchDocument, SearchPool
from context_compaction.archive.sql.database import Database
from context_compaction.archive.sql.spans import Span
from context_compaction.text.periods import Period

READ_TOTALS = "SELECT documents, terms FROM branches WHERE id = ?"
READ_TIMES = "SELECT min(at), max(at) FROM documents WHERE branch = ? AND summary = 0 AND seq <= ?"
FIRST_SITTING = """
SELECT sitting FROM documents WHERE branch = ? AND summary = 0 AND seq <= ? ORDER BY seq LIMIT 1
"""
LAST_SITTING = """
SELECT sitting FROM documents WHERE branch = ? AND summary = 0 AND seq <= ? ORDER BY seq DESC LIMIT 1
"""
READ_SITTINGS = """
SELECT seq, sitting FROM documents
WHERE branch = ? AND summary = 0 AND seq IN (SELECT value FROM json_each(?))
"""
COUNT_WITHIN = """
SELECT count(*) FROM documents WHERE branch = ? AND summary = 0 AND seq <= ? AND at >= ? AND at < ?
"""
FIND_WITHIN = """
SELECT id, seq, summary, role, sitting, at, length, terms FROM documents
WHERE branch = ? AND summary = 0 AND seq <= ? AND at >= ? AND at < ? ORDER BY seq DESC LIMIT ?
"""
Row = tuple[int, int, int, str, int, float | None, int, str]
Interval = tuple[float, float]
_TERM = re.compile(r"[^\s\"'\x00-\x1f\ud800-\udfff]+")


@dataclass(frozen=True, slots=True)
class Scope(ABC):
    """A branch and the parts of logs that it sees, and what the database's index says of them."""

    connection: Database
    branch: int
    spans: Sequence[Span]

    @abstractmethod
    def frequencies(self, terms: Sequence[str]) -> dict[str, int]:
        """In how many documents of the scope each of these terms occurs."""

    @abstractmethod
    def matching(self, term: str, limit: int) -> list[Row]:
        """The newest ``limit`` documents of the scope that hold a term."""


def find(scope: Scope, terms: Iterable[str], periods: Sequence[Period], limit: int) -> SearchPool:
    """The documents that hold any of ``terms`` or are of any of ``periods``, with the rarest first taken."""
    frequencies = scope.frequencies([term for term in dict.fromkeys(terms) if _TERM.fullmatch(term)])
    intervals = _intervals(scope, periods)
    within = [sum(_count_within(scope, interval) for interval in each) for each in intervals]
    rows: dict[int, Row] = {}
    asked: list[tuple[str | int, int]] = [*frequencies.items(), *enumerate(within)]
    for wanted, frequency in sorted(asked, key=lambda one: one[1]):
        room = limit - len(rows)
        if not frequency or room <= 0:
            continue
        if isinstance(wanted, str):
            found = scope.matching(wanted, room)
        else:
            found = _within(scope, intervals[wanted], room)
        rows.update((row[0], row) for row in found)
    total, length = scope.connection.execute(READ_TOTALS, (scope.branch,)).fetchone()
    return SearchPool(
        documents=[_document(scope.branch, frequencies, intervals, row) for row in rows.values()],
        total=total,
        mean_length=length / total if total else 0.0,
        frequencies=frequencies,
        period_frequencies=within,
        sittings=_count_sittings(scope),
    )


def sittings(connection: Database, spans: Sequence[Span], seqs: Collection[int]) -> dict[int, int]:
    """Message numbers to sittings, without those that search does not know."""
    found: dict[int, int] = {}
    for span in spans:
        wanted = json.dumps([seq for seq in seqs if span.first <= seq <= span.last])
        found.update(connection.execute(READ_SITTINGS, (span.branch, wanted)))
    return found


def _within(scope: Scope, intervals: Sequence[Interval], limit: int) -> list[Row]:
    """The newest ``limit`` messages of a period."""
    found: list[Row] = []
    for span in reversed(scope.spans):
        for start, end in reversed(intervals):
            bounds = (span.branch, span.last, start, end, limit - len(found))
            found += scope.connection.execute(FIND_WITHIN, bounds)
    return found


def _count_within(scope: Scope, interval: Interval) -> int:
    return sum(
        scope.connection.execute(COUNT_WITHIN, (span.branch, span.last, *interval)).fetchone()[0]
        for span in scope.spans
    )


def _intervals(scope: Scope, periods: Sequence[Period]) -> list[list[Interval]]:
    if not periods:
        return []
    times = [
        time
        for span in scope.spans
        for time in scope.connection.execute(READ_TIMES, (span.branch, span.last)).fetchone()
        if time is not None
    ]
    return [period.intervals(min(times), max(times)) if times else [] for period in periods]


def _count_sittings(scope: Scope) -> int:
    """They are numbered in the order of the log, each span going on where the one before ended."""
    ends = [
        row[0]
        for statement in (FIRST_SITTING, LAST_SITTING)
        for span in scope.spans
        if (row := scope.connection.execute(statement, (span.branch, span.last)).fetchone()) is not None
    ]
    return max(ends) - min(ends) + 1 if ends else 0


def _document(
    branch: int, wanted: Mapping[str, int], intervals: Sequence[Sequence[Interval]], row: Row
) -> SearchDocument:
    _, seq, summary, role, sitting, at, length, terms = row
    counts = {term: count for term in wanted if (count := terms.count(f" {term} "))}
    ref = f"s:{summary}" if summary else f"m:{seq}"
    said = frozenset(
        place
        for place, each in enumerate(intervals)
        if at is not None and any(start <= at < end for start, end in each)
    )
    return SearchDocument(branch, ref, seq, role, sitting, length, counts, said)
