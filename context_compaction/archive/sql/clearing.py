"""Turning messages into tombstones, and taking them out of media, search index and views."""

from __future__ import annotations

import json
from collections.abc import Iterable

from context_compaction.archive.pruned_views import next_view, pruning_event, scrubbed
from context_compaction.archive.retention import LogRow, Reader
from context_compaction.archive.sql import unindexing
from context_compaction.archive.sql.branches import read_state
from context_compaction.archive.sql.database import Database
from context_compaction.archive.sql.families import Family
from context_compaction.archive.sql.spans import spans_of
from context_compaction.archive.sql.views import add_event, add_view, read_view, rewrite_view

BURY = """
UPDATE messages SET payload = NULL, features = NULL, pruned_at = ?
WHERE id IN (SELECT value FROM json_each(?))
"""
MEDIA_OF = "SELECT DISTINCT blob FROM message_blobs WHERE message IN (SELECT value FROM json_each(?))"
UNLINK_MEDIA = "DELETE FROM message_blobs WHERE message IN (SELECT value FROM json_each(?))"
REMOVE_MEDIA = """
DELETE FROM blobs WHERE id IN (SELECT value FROM json_each(?))
    AND NOT EXISTS (SELECT 1 FROM message_blobs WHERE message_blobs.blob = blobs.id)
"""
VERSIONS = "SELECT version FROM views WHERE branch = ? ORDER BY version"
SET_VERSION = "UPDATE branches SET version = ? WHERE id = ?"
TOKENS = "SELECT seq, tokens FROM messages WHERE branch = ? AND seq BETWEEN ? AND ?"


def clear(connection: Database, family: Family, now: float) -> None:
    """Let go of what was taken of a family, for every branch of it."""
    rows = family.taken.values()
    for reader in family.readers:
        gone = {row.seq for row in rows if reader.sees(row)}
        if gone:
            _leave_views(connection, reader, gone)
    _bury(connection, rows, now)
    for reader in family.readers:
        unindexing.recount(connection, reader.branch)


def _bury(connection: Database, rows: Iterable[LogRow], now: float) -> None:
    by_branch: dict[int, list[LogRow]] = {}
    for row in rows:
        by_branch.setdefault(row.branch, []).append(row)
    for branch, members in by_branch.items():
        keys = json.dumps([row.key for row in members])
        connection.execute(BURY, (now, keys))
        media = json.dumps([blob for (blob,) in connection.execute(MEDIA_OF, (keys,))])
        connection.execute(UNLINK_MEDIA, (keys,))
        connection.execute(REMOVE_MEDIA, (media,))
        unindexing.remove_messages(connection, branch, [row.seq for row in members])


def _leave_views(connection: Database, reader: Reader, gone: set[int]) -> None:
    """Text of theirs goes from every version, and what the present one shows becomes a gap in a new one."""
    branch = reader.branch
    spans = spans_of(connection, branch)
    if not gone.isdisjoint(reader.shown):
        state = read_state(connection, branch)
        view = next_view(state, gone)
        tokens = {
            seq: count
            for span in spans
            for seq, count in connection.execute(TOKENS, (span.branch, span.first, span.last))
        }
        add_view(connection, branch, view)
        add_event(connection, branch, pruning_event(state, view, tokens))
        connection.execute(SET_VERSION, (view.version, branch))
    for (version,) in connection.execute(VERSIONS, (branch,)).fetchall():
        view = read_view(connection, spans, version)
        cleared = scrubbed(view, gone)
        if cleared != view:
            rewrite_view(connection, branch, cleared)
