"""Checking the search index: an entry for each message and summary, and right totals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from context_compaction.archive.sql.checking_views import Damage
from context_compaction.archive.sql.database import Database
from context_compaction.archive.sql.finding import READ_TOTALS
from context_compaction.archive.sql.forks import SHARED_DOCUMENTS
from context_compaction.archive.sql.spans import Span
from context_compaction.view import range_text, ranges_of

NOT_INDEXED = """
SELECT messages.seq FROM messages LEFT JOIN documents
    ON documents.branch = messages.branch AND documents.summary = 0 AND documents.seq = messages.seq
WHERE messages.branch = ? AND messages.pruned_at IS NULL AND documents.id IS NULL ORDER BY messages.seq
"""
OF_NO_MESSAGE = """
SELECT documents.seq FROM documents LEFT JOIN messages
    ON messages.branch = documents.branch AND messages.seq = documents.seq
WHERE documents.branch = ? AND documents.summary = 0
    AND (messages.id IS NULL OR messages.pruned_at IS NOT NULL) ORDER BY documents.seq
"""
BADLY_INDEXED = """
SELECT number, entries FROM (
    SELECT number, (
        SELECT count(*) FROM documents
        WHERE documents.branch = summaries.branch AND documents.summary = summaries.number
    ) AS entries FROM summaries WHERE branch = ?
) AS counted WHERE entries <> 1
"""
OF_NO_SUMMARY = """
SELECT DISTINCT summary FROM documents WHERE branch = ?1 AND summary <> 0
    AND summary NOT IN (SELECT number FROM summaries WHERE branch = ?1)
"""


def check_index(connection: Database, spans: Sequence[Span]) -> Iterator[Damage]:
    """What is wrong with the entries of a branch's own messages and summaries, and with its totals."""
    branch = spans[-1].branch
    for ref in _ranges(connection.execute(NOT_INDEXED, (branch,))):
        yield ref, "not in the search index"
    for ref in _ranges(connection.execute(OF_NO_MESSAGE, (branch,))):
        yield ref, "in the search index, but not in the log or pruned"
    for number, entries in connection.execute(BADLY_INDEXED, (branch,)):
        yield f"s:{number}", f"{entries} times in the search index" if entries else "not in the search index"
    for (number,) in connection.execute(OF_NO_SUMMARY, (branch,)):
        yield f"s:{number}", "in the search index, but not among the summaries"
    seen = [
        connection.execute(SHARED_DOCUMENTS, (span.branch, span.last, span.last_summary)).fetchone()
        for span in spans
    ]
    totals = sum(count for count, _ in seen), sum(length for _, length in seen)
    stored = connection.execute(READ_TOTALS, (branch,)).fetchone()
    if stored != totals:
        yield (
            "",
            "the search index counts {} entries of {} terms, but there are {} of {}".format(*stored, *totals),
        )


def _ranges(rows: Iterable[tuple[int]]) -> Iterator[str]:
    for one in ranges_of([seq for (seq,) in rows]):
        yield range_text((one,))
