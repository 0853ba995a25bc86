"""What the index on terms knows: which documents hold one. How good they are is not for it to say."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from context_compaction.archive.sql.database import Rows
from context_compaction.archive.sql.finding import Row, Scope
from context_compaction.archive.sql.search import log_word
from context_compaction.archive.sql.spans import FOREVER, Span

# As the index has it. The word of a log is among its documents' terms, so that one index says it all: what is
# told the planner of branch, seq, summary and id is told in a way that no other index has, or it might read
# all of a log instead, as soon as its statistics are old or a plan is for any values.
TERMS = r"string_to_array(btrim(split_part(documents.terms, E'\n', 1)), ' ')"
COUNT_MATCHES = f"""
SELECT wanted.term, (
    SELECT count(*) FROM documents
    WHERE {TERMS} @> ARRAY[?1, wanted.term] AND seq + 0 <= ?2 AND summary + 0 <= ?3
) FROM unnest(?4::text[]) AS wanted (term)
"""  # noqa: S608 - the expression above
FIND_MATCHES = f"""
SELECT id, seq, summary, role, sitting, at, length, terms FROM documents
WHERE {TERMS} @> ARRAY[?, ?] AND seq + 0 BETWEEN ? AND ? AND summary + 0 <= ? ORDER BY id + 0 DESC LIMIT ?
"""  # noqa: S608 - the same


class SchemaScope(Scope):
    """The part of a schema's index that a branch sees."""

    __slots__ = ()

    def frequencies(self, terms: Sequence[str]) -> dict[str, int]:
        """One statement for each log."""
        found = dict.fromkeys(terms, 0)
        asked = [
            self.connection.execute(
                COUNT_MATCHES, (log_word(span.branch), span.last, span.last_summary, list(terms))
            )
            for span in (self.spans if terms else ())
        ]
        for term, frequency in chain.from_iterable(asked):
            found[term] += frequency
        return found

    def matching(self, term: str, limit: int) -> list[Row]:
        """The newest logs first."""
        found: list[Row] = []
        for span in reversed(self.parts):
            found += self._ask(span, term, limit - len(found))
        return found

    def all_matching(self, terms: Sequence[str]) -> dict[str, list[Row]]:
        """All asked before the first is read: one round trip."""
        asked = {term: [self._ask(span, term, FOREVER) for span in reversed(self.parts)] for term in terms}
        return {term: list(chain.from_iterable(answers)) for term, answers in asked.items()}

    def _ask(self, span: Span, term: str, limit: int) -> Rows:
        bounds = (span.first, span.last, span.last_summary, limit)
        return self.connection.execute(FIND_MATCHES, (log_word(span.branch), term, *bounds))
