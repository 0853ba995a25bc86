"""What FTS5 knows of the sessions of a namespace."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from context_compaction.archive.sql.crossing import TAKEN, Crossing
from context_compaction.archive.sql.finding import Row
from context_compaction.archive.sql.search import namespace_word
from context_compaction.archive.sqlite.trailing import holding

COUNT_MATCHES = "SELECT count(*) FROM search_index WHERE search_index MATCH ? AND rowid <= ?"
FIND_MATCHES = f"""
SELECT documents.id, documents.seq, summary, role, sitting, at, length, documents.terms
FROM search_index CROSS JOIN documents ON documents.id = search_index.rowid
WHERE search_index MATCH ? AND {TAKEN} ORDER BY search_index.rowid DESC LIMIT ?
"""  # noqa: S608 - the condition above
FIND_TRAILING = f"""
SELECT documents.id, documents.seq, summary, role, sitting, at, length, documents.terms FROM documents
WHERE documents.id IN (SELECT value FROM json_each(?)) AND {TAKEN} ORDER BY documents.id DESC LIMIT ?
"""  # noqa: S608 - the condition above
READ_OTHERS = "SELECT id FROM namespaces WHERE id <> ? ORDER BY id LIMIT ?"
MOST_OTHERS = 100
"""With more other namespaces than these it is cheaper to name the own one."""


@dataclass(frozen=True, slots=True)
class FileCrossing(Crossing):
    """A file's index.

    To follow two long lists of documents costs some microseconds a match, to follow one 30 ns. So where a
    namespace is most of the archive, it is what the other namespaces leave of each term.
    """

    trailing: Sequence[Row]
    """The documents that it does not have yet, newest first."""

    def frequencies(self, terms: Sequence[str]) -> dict[str, int]:
        """One or two looks at the index for each term."""
        others = self._others()
        if others is None:
            found = {term: self._count(f'"{self._own}" AND "{term}"') for term in terms}
        else:
            found = {term: self._left(term, others) for term in terms}
        return {term: count + len(self._trailing(term)) for term, count in found.items()}

    def matching(self, terms: Sequence[str], limit: int) -> list[Row]:
        """The newest first."""
        found: list[Row] = []
        if newest := self._trailing(*terms):
            named = json.dumps([row[0] for row in newest])
            found += self.connection.execute(FIND_TRAILING, (named, *self.bounds, limit))
        own = [self._own] if self._others() is None else []
        match = " AND ".join(f'"{term}"' for term in (*own, *terms))
        left = (match, *self.bounds, limit - len(found))
        return found + self.connection.execute(FIND_MATCHES, left).fetchall()

    @property
    def _own(self) -> str:
        return namespace_word(self.namespace)

    def _trailing(self, *terms: str) -> list[Row]:
        return [row for row in holding(self.trailing, self._own, *terms) if row[0] <= self.bounds[0]]

    def _left(self, term: str, others: Sequence[int]) -> int:
        held = self._count(f'"{term}"')
        if held and others:
            either = " OR ".join(f'"{namespace_word(other)}"' for other in others)
            held -= self._count(f'"{term}" AND ({either})')
        return held

    def _others(self) -> list[int] | None:
        """The other namespaces, where they have less than this one and are few."""
        if self.moment.documents * 2 < self.moment.document:
            return None
        found = self.connection.execute(READ_OTHERS, (self.namespace, MOST_OTHERS + 1)).fetchall()
        return [key for (key,) in found] if len(found) <= MOST_OTHERS else None

    def _count(self, match: str) -> int:
        return self.connection.execute(COUNT_MATCHES, (match, self.bounds[0])).fetchone()[0]
