"""What the index on terms knows of the sessions of a namespace."""

from __future__ import annotations

from collections.abc import Sequence

from context_compaction.archive.postgres.finding import TERMS
from context_compaction.archive.sql.crossing import TAKEN, Crossing
from context_compaction.archive.sql.finding import Row
from context_compaction.archive.sql.search import namespace_word

COUNT_MATCHES = f"""
SELECT wanted.term, (
    SELECT count(*) FROM documents WHERE {TERMS} @> ARRAY[?1, wanted.term] AND id + 0 <= ?2
) FROM unnest(?3::text[]) AS wanted (term)
"""  # noqa: S608 - the expression above
# In order first, so that not more is looked up than is wanted.
FIND_MATCHES = f"""
SELECT documents.id, seq, summary, role, sitting, at, length, documents.terms FROM (
    SELECT id AS found FROM documents WHERE {TERMS} @> ?::text[] ORDER BY id + 0 DESC OFFSET 0
) AS matches JOIN documents ON documents.id = matches.found
WHERE {TAKEN} ORDER BY found DESC LIMIT ?
"""  # noqa: S608 - the same


class SchemaCrossing(Crossing):
    """A schema's index."""

    __slots__ = ()

    def frequencies(self, terms: Sequence[str]) -> dict[str, int]:
        """One statement."""
        bounds = (namespace_word(self.namespace), self.bounds[0], list(terms))
        return dict(self.connection.execute(COUNT_MATCHES, bounds)) if terms else {}

    def matching(self, terms: Sequence[str], limit: int) -> list[Row]:
        """The newest first."""
        wanted = ([namespace_word(self.namespace), *terms], *self.bounds, limit)
        return self.connection.execute(FIND_MATCHES, wanted).fetchall()
