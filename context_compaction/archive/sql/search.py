"""The search index: terms go in with their log's scope, times and lengths beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from context_compaction.archive.sql.database import Database
from context_compaction.archive.sql.log import Prepared
from context_compaction.archive.sql.spans import FOREVER, spans_of
from context_compaction.text.terms import message_terms, terms_of
from context_compaction.view import SummaryRecord

SITTING_SECONDS = 3600.0
"""A longer pause begins another sitting."""
MAX_COUNT = 8
"""How often a term is written down for one document; more would change no score that matters."""

NAMESPACE_OF = """
SELECT sessions.namespace FROM branches JOIN sessions ON sessions.id = branches.session WHERE branches.id = ?
"""
LAST_DOCUMENT = """
SELECT sitting, at FROM documents WHERE branch = ? AND summary = 0 AND seq <= ? ORDER BY seq DESC LIMIT 1
"""
DOCUMENT_COLUMNS = "branch, seq, summary, role, sitting, at, length, terms"
ADD_TOTALS = "UPDATE branches SET documents = documents + ?, terms = terms + ? WHERE id = ?"


@dataclass(frozen=True, slots=True)
class Entry:
    """A document's terms, worked out before the transaction: written form and length."""

    written: str
    length: int


def entry_of(counts: Counter[str]) -> Entry:
    """Terms as they are written down: a line of all, a line of those that occur twice, and so on.

    No line names a term twice, so the number of lines that hold it is its count.
    """
    lines = [" ".join(counts)] if counts else []
    level: list[str] = [term for term, count in counts.items() if count > 1]
    times = 2
    while level and times <= MAX_COUNT:
        lines.append(" ".join(level))
        level = [term for term in level if counts[term] > times]
        times += 1
    return Entry(" \n ".join(lines), counts.total())


def index_messages(
    connection: Database,
    branch: int,
    namespace: int,
    rows: Sequence[Prepared],
    entries: Sequence[Entry],
) -> None:
    """Put messages into the index. How many there are, and their terms, is not told to the branch."""
    sitting, at = _last_sitting(connection, branch)
    documents: list[tuple[object, ...]] = []
    for row, entry in zip(rows, entries, strict=True):
        if row.epoch is not None:
            sitting += at is not None and abs(row.epoch - at) > SITTING_SECONDS
            at = row.epoch
        message = row.row
        terms = _scoped(entry, branch, namespace)
        documents.append((branch, message.seq, 0, message.message.role, sitting, at, entry.length, terms))
    connection.add_documents(documents)


def index_summaries(connection: Database, branch: int, summaries: Iterable[SummaryRecord]) -> None:
    """Put written summaries into the index."""
    namespace = namespace_of(connection, branch)
    documents, length = list[tuple[object, ...]](), 0
    for summary in summaries:
        entry = entry_of(terms_of(summary.text))
        first = summary.ranges[0][0] if summary.ranges else 0
        terms = _scoped(entry, branch, namespace)
        documents.append((branch, first, summary.id, "summary", 0, None, entry.length, terms))
        length += entry.length
    connection.add_documents(documents)
    add_totals(connection, branch, len(documents), length)


def message_entry(row: Prepared) -> Entry:
    """The terms of a message that is about to be appended."""
    return entry_of(message_terms(row.row.message))


def add_totals(connection: Database, branch: int, documents: int, terms: int) -> None:
    """Tell a branch of so many more documents, and their terms."""
    connection.execute(ADD_TOTALS, (documents, terms, branch))


def namespace_of(connection: Database, branch: int) -> int:
    """The number of the namespace that a branch is in."""
    return connection.execute(NAMESPACE_OF, (branch,)).fetchone()[0]


def log_word(branch: int) -> str:
    """By which a search is bound to a log: a term of each document. No analysed one begins with a tilde."""
    return f"~b{branch}"


def namespace_word(namespace: int) -> str:
    """By which it is bound to a namespace."""
    return f"~n{namespace}"


def _scoped(entry: Entry, branch: int, namespace: int) -> str:
    return f" {log_word(branch)} {namespace_word(namespace)} {entry.written} "


def _last_sitting(connection: Database, branch: int) -> tuple[int, float | None]:
    own = connection.execute(LAST_DOCUMENT, (branch, FOREVER)).fetchone()
    if own is not None:
        return own
    for span in reversed(spans_of(connection, branch)):
        row = connection.execute(LAST_DOCUMENT, (span.branch, span.last)).fetchone()
        if row is not None:
            return row
    return 0, None
