"""What FTS5 knows: which documents hold a term. Its own scores are not used.

The newest documents, which it does not have yet, are looked through beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from context_compaction.archive.sql.finding import Row, Scope
from context_compaction.archive.sql.search import log_word
from context_compaction.archive.sql.spans import FOREVER, Span
from context_compaction.archive.sqlite.trailing import holding

COUNT_ALL_MATCHES = "SELECT count(*) FROM search_index WHERE search_index MATCH ?"
COUNT_MATCHES = """
SELECT count(*) FROM search_index CROSS JOIN documents ON documents.id = search_index.rowid
WHERE search_index MATCH ? AND documents.branch = ? AND documents.seq <= ? AND documents.summary <= ?
"""
FIND_ALL_MATCHES = """
SELECT documents.id, documents.seq, summary, role, sitting, at, length, documents.terms
FROM search_index CROSS JOIN documents ON documents.id = search_index.rowid
WHERE search_index MATCH ? AND documents.branch = ? AND documents.seq BETWEEN ? AND ?
    AND documents.summary <= ?
"""
FIND_MATCHES = f"{FIND_ALL_MATCHES} ORDER BY search_index.rowid DESC LIMIT ?"


@dataclass(frozen=True, slots=True)
class FileScope(Scope):
    """A file's index within the bounds of a search."""

    trailing: Sequence[Row]
    """The documents that it does not have yet, newest first."""

    def frequencies(self, terms: Sequence[str]) -> dict[str, int]:
        """One look at the index for each term and log."""
        return {term: self._count(term) for term in terms}

    def matching(self, term: str, limit: int) -> list[Row]:
        """The newest logs first.

        To go through the index backwards costs up to ten times as much, the more the older a log is. It pays
        where there are more than are taken.
        """
        found: list[Row] = []
        for span in reversed(self.parts):
            bounds = (_match(span.branch, term), span.branch, span.first, span.last, span.last_summary)
            found += self._trailing(term, span, span.first)[: limit - len(found)]
            if limit == FOREVER:
                found += self.connection.execute(FIND_ALL_MATCHES, bounds).fetchall()[::-1]
            else:
                found += self.connection.execute(FIND_MATCHES, (*bounds, limit - len(found)))
        return found

    def _count(self, term: str) -> int:
        """A log seen to its end is counted in the index, without its rows."""
        total = 0
        for span in self.spans:
            match = _match(span.branch, term)
            if span.last == FOREVER:
                found = self.connection.execute(COUNT_ALL_MATCHES, (match,))
            else:
                found = self.connection.execute(
                    COUNT_MATCHES, (match, span.branch, span.last, span.last_summary)
                )
            total += found.fetchone()[0] + len(self._trailing(term, span))
        return total

    def _trailing(self, term: str, span: Span, first: int = 0) -> list[Row]:
        """Of what the index does not have yet, what a log has from message ``first`` on."""
        return [
            row
            for row in holding(self.trailing, log_word(span.branch), term)
            if first <= row[1] <= span.last and row[2] <= span.last_summary
        ]


def _match(branch: int, term: str) -> str:
    return f'"{log_word(branch)}" AND "{term}"'
