"""The search index: terms go in with their log's scope, candidates come out with term counts.

SQLite only says which documents hold a term. How good they are is for the ranking to say, by the scope's
own statistics: FTS5's would be those of all tenants, and move with them.
"""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from context_compaction.archive.records import SearchDocument, SearchPool
from context_compaction.archive.sqlite.log import Prepared
from context_compaction.archive.sqlite.spans import FOREVER, Span
from context_compaction.text.terms import message_terms, terms_of
from context_compaction.view import SummaryRecord

SITTING_SECONDS = 3600.0
"""A longer pause begins another sitting."""
REACH = 4
"""How far around a match lengths are read: its neighbours, and theirs."""
MAX_COUNT = 8
"""How often a term is written down for one document; more would change no score that matters."""

NAMESPACE_OF = """
SELECT sessions.namespace FROM branches JOIN sessions ON sessions.id = branches.session WHERE branches.id = ?
"""
NEXT_DOCUMENT = "SELECT coalesce(max(id), 0) + 1 FROM documents"
LAST_DOCUMENT = """
SELECT sitting, at FROM documents WHERE branch = ? AND summary = 0 AND seq <= ? ORDER BY seq DESC LIMIT 1
"""
ADD_DOCUMENT = """
INSERT INTO documents (id, branch, seq, summary, role, sitting, at, length, terms)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
ADD_TERMS = "INSERT INTO search_index (rowid, terms) VALUES (?, ?)"
ADD_TOTALS = "UPDATE branches SET documents = documents + ?, terms = terms + ? WHERE id = ?"
READ_TOTALS = "SELECT documents, terms FROM branches WHERE id = ?"
COUNT_ALL_MATCHES = "SELECT count(*) FROM search_index WHERE search_index MATCH ?"
COUNT_MATCHES = """
SELECT count(*) FROM search_index CROSS JOIN documents ON documents.id = search_index.rowid
WHERE search_index MATCH ? AND documents.branch = ? AND documents.seq <= ? AND documents.summary <= ?
"""
FIND_DOCUMENTS = """
SELECT documents.seq, documents.summary, documents.role, documents.sitting, documents.length, documents.terms
FROM search_index CROSS JOIN documents ON documents.id = search_index.rowid
WHERE search_index MATCH ? AND documents.branch = ? AND documents.seq <= ? AND documents.summary <= ?
ORDER BY search_index.rowid DESC LIMIT ?
"""
READ_LENGTHS = """
SELECT seq, length, sitting, role FROM documents WHERE branch = ? AND summary = 0 AND seq BETWEEN ? AND ?
"""
Row = tuple[int, int, str, int, int, str]
_TERM = re.compile(r"[^\s\"'\x00-\x1f]+")


@dataclass(frozen=True, slots=True)
class Entry:
    """A document's terms, worked out before the transaction: written form and length."""

    written: str
    length: int


def entry_of(counts: Counter[str]) -> Entry:
    """Terms as they are written down: a line of all, a line of those that occur twice, and so on.

    No line names a term twice, so the number of lines that hold it is its count.
    """
    lines: list[str] = []
    level: list[str] = list(counts)
    for times in range(1, MAX_COUNT + 1):
        if level:
            lines.append(" ".join(level))
            level = [term for term in level if counts[term] > times]
    return Entry(" \n ".join(lines), counts.total())


def index_messages(
    connection: sqlite3.Connection,
    branch: int,
    rows: Sequence[Prepared],
    entries: Sequence[Entry],
    spans: list[Span],
) -> None:
    """Put appended messages into the index."""
    sitting, at = _last_sitting(connection, spans)
    documents: list[tuple[object, ...]] = []
    key, scope = _next_key(connection), _scope(connection, branch)
    for offset, (row, entry) in enumerate(zip(rows, entries, strict=True)):
        if row.epoch is not None:
            sitting += at is not None and abs(row.epoch - at) > SITTING_SECONDS
            at = row.epoch
        message = row.row
        terms = f" {scope} {entry.written} "
        documents.append(
            (key + offset, branch, message.seq, 0, message.message.role, sitting, at, entry.length, terms)
        )
    _add(connection, branch, documents)


def index_summaries(connection: sqlite3.Connection, branch: int, summaries: Iterable[SummaryRecord]) -> None:
    """Put written summaries into the index."""
    key, scope = _next_key(connection), _scope(connection, branch)
    documents: list[tuple[object, ...]] = []
    for offset, summary in enumerate(summaries):
        entry = entry_of(terms_of(summary.text))
        first = summary.ranges[0][0] if summary.ranges else 0
        terms = f" {scope} {entry.written} "
        documents.append((key + offset, branch, first, summary.id, "summary", 0, None, entry.length, terms))
    _add(connection, branch, documents)


def message_entry(row: Prepared) -> Entry:
    """The terms of a message that is about to be appended."""
    return entry_of(message_terms(row.row.message))


def find(
    connection: sqlite3.Connection, branch: int, spans: Sequence[Span], terms: Sequence[str], limit: int
) -> SearchPool:
    """The documents of a branch that hold any of ``terms``; of too many, those with the rarest terms."""
    wanted = [term for term in dict.fromkeys(terms) if _TERM.fullmatch(term)]
    total, length = connection.execute(READ_TOTALS, (branch,)).fetchone()
    rows = _matching(connection, spans, wanted, limit + 1)
    frequencies: Mapping[str, int] | None = None
    if len(rows) > limit:
        frequencies = {term: _count(connection, spans, term) for term in wanted}
        rows = _matching(connection, spans, _rarest(frequencies, limit), limit)
    held = frozenset(wanted)
    found = [_document(branch, held, row) for row in rows]
    if frequencies is None:
        frequencies = Counter(term for document in found for term in document.terms)
    return SearchPool(
        documents=found,
        total=total,
        mean_length=length / total if total else 0.0,
        frequencies=frequencies,
        lengths=_lengths(connection, branch, spans, found),
    )


def _add(connection: sqlite3.Connection, branch: int, documents: list[tuple[object, ...]]) -> None:
    connection.executemany(ADD_DOCUMENT, documents)
    connection.executemany(ADD_TERMS, [(row[0], row[8]) for row in documents])
    lengths = sum(row[7] for row in documents if isinstance(row[7], int))
    connection.execute(ADD_TOTALS, (len(documents), lengths, branch))


def _next_key(connection: sqlite3.Connection) -> int:
    return connection.execute(NEXT_DOCUMENT).fetchone()[0]


def _scope(connection: sqlite3.Connection, branch: int) -> str:
    """The words by which a search is bound to a log or a namespace; no analysed term begins with a tilde."""
    namespace = connection.execute(NAMESPACE_OF, (branch,)).fetchone()[0]
    return f"~b{branch} ~n{namespace}"


def _last_sitting(connection: sqlite3.Connection, spans: Sequence[Span]) -> tuple[int, float | None]:
    for span in reversed(spans):
        row = connection.execute(LAST_DOCUMENT, (span.branch, span.last)).fetchone()
        if row is not None:
            return row
    return 0, None


def _match(branch: int, terms: Iterable[str]) -> str:
    any_of = " OR ".join(f'"{term}"' for term in terms)
    return f'"~b{branch}" AND ({any_of})'


def _matching(
    connection: sqlite3.Connection, spans: Sequence[Span], terms: Sequence[str], limit: int
) -> list[Row]:
    """At most ``limit`` rows that hold any of ``terms``, the newest first."""
    found: list[Row] = []
    for span in reversed(spans if terms else ()):
        bounds = (span.branch, span.last, span.last_summary, limit - len(found))
        found += connection.execute(FIND_DOCUMENTS, (_match(span.branch, terms), *bounds))
    return found


def _rarest(frequencies: Mapping[str, int], limit: int) -> list[str]:
    """As many of the terms, rarest first, as stay under the limit (at least one)."""
    taken, room = list[str](), limit
    for term in sorted(
        (term for term in frequencies if frequencies[term]), key=lambda term: frequencies[term]
    ):
        room -= frequencies[term]
        if taken and room < 0:
            break
        taken.append(term)
    return taken


def _count(connection: sqlite3.Connection, spans: Sequence[Span], term: str) -> int:
    """Documents that hold the term. A log seen to its end is counted in the index, without its rows."""
    total = 0
    for span in spans:
        match = _match(span.branch, [term])
        if span.last == FOREVER:
            found = connection.execute(COUNT_ALL_MATCHES, (match,))
        else:
            found = connection.execute(COUNT_MATCHES, (match, span.branch, span.last, span.last_summary))
        total += found.fetchone()[0]
    return total


def _document(branch: int, wanted: frozenset[str], row: Row) -> SearchDocument:
    seq, summary, role, sitting, length, terms = row
    held = wanted.intersection(terms.split())
    counts = {term: terms.count(f" {term} ") for term in held}
    ref = f"s:{summary}" if summary else f"m:{seq}"
    return SearchDocument(branch, ref, seq, role, sitting, length, counts)


def _lengths(
    connection: sqlite3.Connection, branch: int, spans: Sequence[Span], found: Sequence[SearchDocument]
) -> dict[tuple[int, int], tuple[int, int, str]]:
    """What is known of the messages around the matches, matches included."""
    seqs = sorted(document.first for document in found if document.role != "summary")
    around: list[tuple[int, int]] = []
    for seq in seqs:
        if around and seq - REACH <= around[-1][1] + 1:
            around[-1] = (around[-1][0], seq + REACH)
        else:
            around.append((seq - REACH, seq + REACH))
    return {
        (branch, seq): (length, sitting, role)
        for first, last in around
        for span in spans
        for seq, length, sitting, role in connection.execute(
            READ_LENGTHS, (span.branch, max(first, span.first), min(last, span.last))
        )
    }
