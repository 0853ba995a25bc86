"""Letting go of old messages: chosen by `archive.retention`, turned into tombstones here."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import timedelta

from context_compaction.archive.records import Pruned
from context_compaction.archive.retention import Candidate, LogRow, Retention, limits
from context_compaction.archive.sql.clearing import clear
from context_compaction.archive.sql.database import Database
from context_compaction.archive.sql.families import Families, Family

TOTAL_BYTES = """
SELECT (SELECT coalesce(sum(size), 0) FROM messages WHERE pruned_at IS NULL)
    + (SELECT coalesce(sum(length(data)), 0) FROM blobs)
"""
MEDIA_OF = """
SELECT mine.blob, length(blobs.data),
    (SELECT count(*) FROM message_blobs AS others WHERE others.blob = mine.blob)
FROM message_blobs AS mine JOIN blobs ON blobs.id = mine.blob WHERE mine.message = ?
"""
SESSION_OF = "SELECT session FROM branches WHERE id = ?"
LAST_RUN = "SELECT at FROM chores WHERE name = 'prune'"
SET_RUN = """
INSERT INTO chores (name, at) VALUES ('prune', ?) ON CONFLICT (name) DO UPDATE SET at = excluded.at
"""


def prune(
    connection: Database,
    max_age: timedelta | float | None,
    max_bytes: int | None,
    *,
    uncovered: bool,
) -> Pruned:
    """What is too old goes first, then the oldest of the rest while there is too much."""
    seconds, most = limits(max_age, max_bytes)
    now = time.time()
    chosen = _Chosen(connection, Families(connection, uncovered=uncovered))
    if seconds is not None:
        chosen.take_old(now - seconds)
    if most is not None:
        chosen.take_excess(most)
    changed = chosen.families.changed()
    for family in changed:
        clear(connection, family, now)
    owners = {row.branch for family in changed for row in family.taken.values()}
    sessions = {connection.execute(SESSION_OF, (branch,)).fetchone()[0] for branch in owners}
    return Pruned(sum(len(family.taken) for family in changed), chosen.bytes, len(sessions))


def prune_if_due(connection: Database, retention: Retention) -> Pruned:
    """Prune unless any process did so less than ``retention.every`` seconds ago."""
    now = time.time()
    last = connection.execute(LAST_RUN).fetchone()
    # A run in the future is a clock that was put back: it must not stop pruning until then.
    if last is not None and now - retention.every < last[0] <= now:
        return Pruned()
    connection.execute(SET_RUN, (now,))
    return prune(connection, retention.max_age, retention.max_bytes, uncovered=retention.uncovered)


class _Chosen:
    """What is to go, and how many bytes that frees: media only with the last message that holds them."""

    def __init__(self, connection: Database, families: Families) -> None:
        self.families = families
        self.bytes = 0
        self._connection = connection
        self._holders: dict[int, int] = {}
        """By media, how many messages that stay hold them."""

    def take_old(self, stored_until: float) -> None:
        for family, candidate in self.families.oldest(stored_until):
            if candidate.newest <= stored_until:
                self._take(family, candidate)

    def take_excess(self, max_bytes: int) -> None:
        (total,) = self._connection.execute(TOTAL_BYTES).fetchone()
        if total - self.bytes <= max_bytes:
            return
        for family, candidate in self.families.oldest():
            if not candidate.recent:
                self._take(family, candidate)
                if total - self.bytes <= max_bytes:
                    return

    def _take(self, family: Family, candidate: Candidate) -> None:
        for row in candidate.rows:
            family.taken[row.key] = row
            self.bytes += row.size
            for blob, size, holders in self._media_of(row):
                self._holders[blob] = self._holders.setdefault(blob, holders) - 1
                self.bytes += 0 if self._holders[blob] else size

    def _media_of(self, row: LogRow) -> Iterable[tuple[int, int, int]]:
        return self._connection.execute(MEDIA_OF, (row.key,)) if row.media else ()
