"""Letting go of old messages: chosen by `archive.retention`, turned into tombstones here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import NamedTuple

from context_compaction.archive.records import Pruned
from context_compaction.archive.retention import Candidate, LogRow, Retention, limits
from context_compaction.archive.sql.clearing import clear
from context_compaction.archive.sql.database import Database
from context_compaction.archive.sql.families import Families, Family

AT_ONCE = 2000
"""Messages that go in one transaction, or some more: a result goes with its call."""
Alone = Callable[[], AbstractContextManager[Database]]
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


class Asked(NamedTuple):
    """What is to go."""

    stored_until: float | None
    most_bytes: int | None
    uncovered: bool


class Share(NamedTuple):
    """What went in one transaction."""

    messages: int
    bytes: int
    sessions: frozenset[int]
    more: bool
    """Whether there is more to go."""


def prune(
    alone: Alone,
    max_age: timedelta | float | None,
    max_bytes: int | None,
    *,
    uncovered: bool,
    wanted: Callable[[Database], bool] = lambda _: True,
) -> Pruned:
    """What is too old goes first, then the oldest of the rest while there is too much.

    ``alone`` begins a transaction that is the only one writing: one for each `AT_ONCE` messages, so that
    others write in between. In the first of them ``wanted`` says whether to prune at all.
    """
    seconds, most = limits(max_age, max_bytes)
    asked = Asked(None if seconds is None else time.time() - seconds, most, uncovered)
    shares: list[Share] = []
    while not shares or shares[-1].more:
        with alone() as connection:
            if not shares and not wanted(connection):
                break
            shares.append(prune_some(connection, asked))
    sessions = frozenset[int]().union(*(share.sessions for share in shares))
    return Pruned(
        sum(share.messages for share in shares), sum(share.bytes for share in shares), len(sessions)
    )


def prune_some(connection: Database, asked: Asked) -> Share:
    """The oldest of it, some `AT_ONCE` messages."""
    chosen = _Chosen(connection, Families(connection, uncovered=asked.uncovered))
    if asked.stored_until is not None:
        chosen.take_old(asked.stored_until)
    if asked.most_bytes is not None and not chosen.is_full:
        chosen.take_excess(asked.most_bytes)
    changed = chosen.families.changed()
    now = time.time()
    for family in changed:
        clear(connection, family, now)
    owners = {row.branch for family in changed for row in family.taken.values()}
    sessions = frozenset(connection.execute(SESSION_OF, (branch,)).fetchone()[0] for branch in owners)
    return Share(chosen.messages, chosen.bytes, sessions, chosen.is_full)


def prune_if_due(alone: Alone, retention: Retention) -> Pruned:
    """Prune unless any process did so less than ``retention.every`` seconds ago."""

    def is_due(connection: Database) -> bool:
        now = time.time()
        last = connection.execute(LAST_RUN).fetchone()
        # A run in the future is a clock that was put back: it must not stop pruning until then.
        if last is not None and now - retention.every < last[0] <= now:
            return False
        connection.execute(SET_RUN, (now,))
        return True

    return prune(alone, retention.max_age, retention.max_bytes, uncovered=retention.uncovered, wanted=is_due)


class _Chosen:
    """What is to go, and how many bytes that frees: media only with the last message that holds them."""

    def __init__(self, connection: Database, families: Families) -> None:
        self.families = families
        self.bytes = 0
        self.messages = 0
        self._connection = connection
        self._holders: dict[int, int] = {}
        """By media, how many messages that stay hold them."""

    @property
    def is_full(self) -> bool:
        """Whether it is enough for one transaction."""
        return self.messages >= AT_ONCE

    def take_old(self, stored_until: float) -> None:
        for family, candidate in self.families.oldest(stored_until):
            if candidate.newest <= stored_until:
                self._take(family, candidate)
                if self.is_full:
                    return

    def take_excess(self, max_bytes: int) -> None:
        (total,) = self._connection.execute(TOTAL_BYTES).fetchone()
        if total - self.bytes <= max_bytes:
            return
        for family, candidate in self.families.oldest():
            if not candidate.recent:
                self._take(family, candidate)
                if self.is_full or total - self.bytes <= max_bytes:
                    return

    def _take(self, family: Family, candidate: Candidate) -> None:
        for row in candidate.rows:
            family.taken[row.key] = row
            self.messages += 1
            self.bytes += row.size
            for blob, size, holders in self._media_of(row):
                self._holders[blob] = self._holders.setdefault(blob, holders) - 1
                self.bytes += 0 if self._holders[blob] else size

    def _media_of(self, row: LogRow) -> Iterable[tuple[int, int, int]]:
        return self._connection.execute(MEDIA_OF, (row.key,)) if row.media else ()
