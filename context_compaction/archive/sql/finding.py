"""Candidates of a search: which documents of a scope hold a term or are of a period, with their counts.

The database only says which documents match. How good they are is for the ranking to say, by the scope's own
statistics: a database's would be those of all tenants, and move with them. However common the words and
however long the log, at most ``limit`` documents are read; the others are only counted.
"""

from __future__ import annotations

import json
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

from context_compaction.archive.records import SearchDocument, SearchPool, Upto
from context_compaction.archive.sql.database import Database, Rows
from context_compaction.archive.sql.spans import FOREVER, Span
from context_compaction.text.periods import Period
from context_compaction.view import Range

READ_TOTALS = "SELECT documents, terms FROM branches WHERE id = ?"
READ_NEWER = """
SELECT count(*), coalesce(sum(length), 0) FROM (
    SELECT length FROM documents WHERE branch = ? AND summary = 0 AND seq > ? AND seq <= ?
    UNION ALL SELECT length FROM documents
    WHERE branch = ? AND summary > ? AND summary <= ? AND seq <= ?
) AS newer
"""
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
WHERE branch = ? AND summary = 0 AND seq BETWEEN ? AND ? AND at >= ? AND at < ? ORDER BY seq DESC LIMIT ?
"""
FIND_RANGES = """
SELECT min(seq), max(seq) FROM (
    SELECT seq, seq - row_number() OVER (ORDER BY seq) AS island FROM documents
    WHERE branch = ? AND summary = 0 AND seq BETWEEN ? AND ? AND at >= ? AND at < ?
) AS said GROUP BY island ORDER BY min(seq)
"""
MAX_RANGES = 100
"""Of more ranges the whole stretch is searched: where times are that mixed up, order tells nothing."""
Row = tuple[int, int, int, str, int, float | None, int, str]
Interval = tuple[float, float]
_TERM = re.compile(r"[^\s\"'\x00-\x1f\ud800-\udfff]+")


class Bounds(NamedTuple):
    """What is searched of what a branch sees."""

    spans: Sequence[Span]
    """What is counted."""
    parts: Sequence[Span]
    """What is taken, in log order."""
    newer: tuple[int, int]
    """How many documents are not counted since they came later, and their terms."""


def bounds_of(
    connection: Database, spans: Sequence[Span], ranges: Sequence[Range] | None, upto: Upto | None
) -> Bounds:
    """The bounds of a search, as far as a branch went at a moment, and of some ranges only."""
    newer = (0, 0) if upto is None else _newer(connection, spans, upto)
    if upto is not None and any(newer):
        spans = [
            Span(span.branch, span.first, min(span.last, upto.seq), min(span.last_summary, upto.summary))
            for span in spans
            if span.first <= max(upto.seq, 1)
        ]
    return Bounds(spans, _parts(spans, ranges), newer)


@dataclass(frozen=True, slots=True)
class Scope(ABC):
    """A branch and the bounds of a search in it, and what the database's index says of them."""

    connection: Database
    branch: int
    bounds: Bounds

    @property
    def spans(self) -> Sequence[Span]:
        """What is counted."""
        return self.bounds.spans

    @property
    def parts(self) -> Sequence[Span]:
        """What is taken."""
        return self.bounds.parts

    @abstractmethod
    def frequencies(self, terms: Sequence[str]) -> dict[str, int]:
        """In how many documents of the scope each of these terms occurs."""

    @abstractmethod
    def matching(self, term: str, limit: int) -> list[Row]:
        """The newest ``limit`` documents of the scope that hold a term; all for `FOREVER`."""

    def all_matching(self, terms: Sequence[str]) -> dict[str, list[Row]]:
        """By term, what `matching` gives without a limit: for terms that are known to be rare."""
        return {term: self.matching(term, FOREVER) for term in terms}


def find(scope: Scope, terms: Iterable[str], periods: Sequence[Period], limit: int) -> SearchPool:
    """The documents that hold any of ``terms`` or are of any of ``periods``, with the rarest first taken."""
    totals, ends = scope.connection.execute(READ_TOTALS, (scope.branch,)), _ask_sittings(scope)
    frequencies = scope.frequencies(searchable(terms))
    intervals = _intervals(scope, periods)
    within = [sum(_count_within(scope, interval) for interval in each) for each in intervals]
    known: list[tuple[str | int, int]] = [*frequencies.items(), *enumerate(within)]
    asked = sorted((one for one in known if one[1]), key=lambda one: one[1])
    rare = scope.all_matching(_all_within(asked, limit))
    rows: dict[int, Row] = {}
    for one, frequency in asked:
        room = limit - len(rows)
        if room <= 0:
            break
        if not isinstance(one, str):
            found = _within(scope, intervals[one], room)
        elif one in rare:
            found = rare[one]
        else:
            found = scope.matching(one, FOREVER if frequency <= room else room)
        rows.update((row[0], row) for row in found)
    wanted = as_written(frequencies)
    total, length = totals.fetchone()
    total, length = total - scope.bounds.newer[0], length - scope.bounds.newer[1]
    return SearchPool(
        documents=[document(scope.branch, wanted, intervals, row) for row in rows.values()],
        total=total,
        mean_length=length / total if total else 0.0,
        frequencies=frequencies,
        period_frequencies=within,
        sittings=_count_sittings(ends),
    )


def searchable(terms: Iterable[str]) -> list[str]:
    """Those that an index can have, each once."""
    return [term for term in dict.fromkeys(terms) if _TERM.fullmatch(term)]


def sittings(connection: Database, spans: Sequence[Span], seqs: Collection[int]) -> dict[int, int]:
    """Message numbers to sittings, without those that search does not know."""
    found: dict[int, int] = {}
    for span in spans:
        wanted = json.dumps([seq for seq in seqs if span.first <= seq <= span.last])
        found.update(connection.execute(READ_SITTINGS, (span.branch, wanted)))
    return found


def said_within(
    connection: Database, spans: Sequence[Span], since: float | None, until: float | None
) -> list[Range]:
    """The ranges of messages of a time, each log's by itself."""
    times = (-math.inf if since is None else since, math.inf if until is None else until)
    return [
        found
        for span in spans
        for found in connection.execute(FIND_RANGES, (span.branch, span.first, span.last, *times))
    ]


def _parts(spans: Sequence[Span], ranges: Sequence[Range] | None) -> list[Span]:
    """The spans as far as they are of these ranges; none of them overlaps another."""
    if ranges is None:
        # A summary stands where it begins, which may be before its log does.
        return [Span(span.branch, 0, span.last, span.last_summary) for span in spans]
    if len(ranges) > MAX_RANGES:
        ranges = [(min(first for first, _ in ranges), max(last for _, last in ranges))]
    return [
        Span(span.branch, max(first, 0), min(span.last, last), span.last_summary)
        for span in spans
        for first, last in sorted(ranges)
        if first <= span.last
    ]


def _newer(connection: Database, spans: Sequence[Span], upto: Upto) -> tuple[int, int]:
    asked = [
        connection.execute(
            READ_NEWER,
            (
                *(span.branch, upto.seq, span.last),
                *(span.branch, max(upto.summary, 0), span.last_summary, span.last),
            ),
        )
        for span in spans
    ]
    found = [rows.fetchone() for rows in asked]
    return sum(count for count, _ in found), sum(length for _, length in found)


def _within(scope: Scope, intervals: Sequence[Interval], limit: int) -> list[Row]:
    """The newest ``limit`` messages of a period."""
    found: list[Row] = []
    for span in reversed(scope.parts):
        for start, end in reversed(intervals):
            bounds = (span.branch, span.first, span.last, start, end, limit - len(found))
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


def _all_within(asked: Sequence[tuple[str | int, int]], limit: int) -> list[str]:
    """The rarest terms, as far as there is room for all that they and what is rarer are in."""
    met = accumulate(frequency for _, frequency in asked)
    return [
        wanted
        for (wanted, _), count in zip(asked, met, strict=True)
        if isinstance(wanted, str) and count <= limit
    ]


def _ask_sittings(scope: Scope) -> list[Rows]:
    """The first and last sitting of each span."""
    return [
        scope.connection.execute(statement, (span.branch, span.last))
        for statement in (FIRST_SITTING, LAST_SITTING)
        for span in scope.spans
    ]


def _count_sittings(asked: Sequence[Rows]) -> int:
    """They are numbered in the order of the log, each span going on where the one before ended."""
    ends = [row[0] for rows in asked if (row := rows.fetchone()) is not None]
    return max(ends) - min(ends) + 1 if ends else 0


def as_written(terms: Iterable[str]) -> list[tuple[str, str]]:
    """Each term, and what stands for it in a document's terms."""
    return [(term, written(term)) for term in terms]


def written(term: str) -> str:
    """What stands for a term in a document's terms, which begin and end with a space."""
    return f" {term} "


def document(
    branch: int, wanted: Sequence[tuple[str, str]], intervals: Sequence[Sequence[Interval]], row: Row
) -> SearchDocument:
    """A row as the ranking sees it, by the terms (see `as_written`) and times that are wanted."""
    _, seq, summary, role, sitting, at, length, terms = row
    counts = {term: count for term, held in wanted if (count := terms.count(held))}
    ref = f"s:{summary}" if summary else f"m:{seq}"
    said = [
        place
        for place, each in enumerate(intervals)
        if at is not None and any(start <= at < end for start, end in each)
    ]
    return SearchDocument(branch, ref, seq, role, sitting, length, counts, frozenset(said))
