"""Branches that share logs, as pruning looks at them: who sees what, and what each needs of it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from context_compaction.archive.pruned_views import shown_by
from context_compaction.archive.retention import Candidate, LogRow, Reader, candidates
from context_compaction.archive.sql.branches import read_state
from context_compaction.archive.sql.database import Database
from context_compaction.archive.sql.spans import Span, spans_of

# In the order of the index, and from it alone: it is read for every message that is old and stays.
OLDEST = """
SELECT id, branch FROM messages
WHERE pruned_at IS NULL AND stored_at <= ? AND role NOT IN ('system', 'developer') ORDER BY stored_at, id
"""
# Whoever shares anything shares its beginning: all that see the root of a branch, itself among them.
RELATED = "SELECT branch FROM spans WHERE ancestor = ? ORDER BY branch"
READ_ROWS = """
SELECT id, branch, seq, group_first, role, stored_at, size,
    EXISTS (SELECT 1 FROM message_blobs WHERE message_blobs.message = messages.id)
FROM messages
WHERE branch = ? AND pruned_at IS NULL ORDER BY seq
"""
COVERED = """
SELECT summary_ranges.first, summary_ranges.last
FROM summaries JOIN summary_ranges ON summary_ranges.summary = summaries.id
WHERE summaries.branch = ? AND summaries.number <= ?
"""
NEWEST_USER = """
SELECT seq FROM messages WHERE branch = ? AND seq BETWEEN ? AND ? AND role = 'user' ORDER BY seq DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Family:
    """All branches that see any of the same messages."""

    readers: tuple[Reader, ...]
    candidates: dict[int, Candidate]
    """By the key of each of its messages."""
    taken: dict[int, LogRow] = field(default_factory=dict[int, LogRow])
    """What is to go, by key."""


class Families:
    """The families of an archive, each read when a message of it is first come to."""

    def __init__(self, connection: Database, *, uncovered: bool) -> None:
        self._connection = connection
        self._uncovered = uncovered
        self._by_branch: dict[int, Family] = {}

    def oldest(self, stored_until: float = math.inf) -> Iterator[tuple[Family, Candidate]]:
        """What may go and is not taken yet, by the age of each group's oldest message."""
        for key, branch in self._connection.stream(OLDEST, (stored_until,)):
            family = self._by_branch.get(branch) or self._read(branch)
            candidate = family.candidates.get(key)
            if candidate is not None and key == candidate.rows[0].key and key not in family.taken:
                yield family, candidate

    def changed(self) -> list[Family]:
        """Those of which something was taken."""
        unique = {id(family): family for family in self._by_branch.values()}
        return [family for family in unique.values() if family.taken]

    def _read(self, branch: int) -> Family:
        connection = self._connection
        root = spans_of(connection, branch)[0].branch
        branches = [number for (number,) in connection.execute(RELATED, (root,))]
        readers = tuple(_reader(connection, number) for number in branches)
        rows = [LogRow(*row) for number in branches for row in connection.execute(READ_ROWS, (number,))]
        found = candidates(rows, readers, uncovered=self._uncovered)
        family = Family(readers, {row.key: candidate for candidate in found for row in candidate.rows})
        self._by_branch |= dict.fromkeys(branches, family)
        return family


def _reader(connection: Database, branch: int) -> Reader:
    state, spans = read_state(connection, branch), spans_of(connection, branch)
    return Reader(
        branch=branch,
        ends={span.branch: span.last for span in spans},
        held={pin.seq for pin in (*state.pins, *state.view.pins)} | {call.seq for call in state.open_calls},
        shown=shown_by(state),
        covered=_covered(connection, spans),
        last_turn=_last_turn(connection, spans, state.last_seq),
    )


def _covered(connection: Database, spans: list[Span]) -> set[int]:
    covered: set[int] = set()
    for span in spans:
        for first, last in connection.execute(COVERED, (span.branch, span.last_summary)):
            covered.update(range(first, last + 1))
    return covered


def _last_turn(connection: Database, spans: list[Span], last_seq: int) -> int:
    """The newest user message; the newest message where no user speaks."""
    for span in reversed(spans):
        row = connection.execute(NEWEST_USER, (span.branch, span.first, span.last)).fetchone()
        if row is not None:
            return row[0]
    return last_seq
