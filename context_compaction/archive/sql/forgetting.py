"""Deleting sessions, and with ``detach`` giving what forks share of them to the forks."""

from __future__ import annotations

import json
from typing import get_args

from context_compaction.archive.base import Forks
from context_compaction.archive.records import Forgotten
from context_compaction.archive.sql import unindexing
from context_compaction.archive.sql.database import Database
from context_compaction.archive.sql.detaching import Heirloom, hand_over, heirlooms
from context_compaction.archive.sql.names import escaped, unescaped
from context_compaction.errors import SessionHasForks

NAMED_AT_MOST = 10
FIND_SESSION = """
SELECT sessions.id, sessions.namespace FROM sessions JOIN namespaces ON namespaces.id = sessions.namespace
WHERE namespaces.name = ? AND sessions.session_id = ?
"""
BRANCHES = "SELECT id FROM branches WHERE session IN (SELECT value FROM json_each(?)) ORDER BY id"
# Sessions, beside those named, with a branch that sees a log of those named.
FORKED = """
SELECT DISTINCT heirs.session, sessions.session_id
FROM branches JOIN spans ON spans.ancestor = branches.id JOIN branches AS heirs ON heirs.id = spans.branch
    JOIN sessions ON sessions.id = heirs.session
WHERE branches.session IN (SELECT value FROM json_each(?1))
    AND heirs.session NOT IN (SELECT value FROM json_each(?1))
ORDER BY heirs.session
"""
COUNT_MESSAGES = "SELECT count(*) FROM messages WHERE branch IN (SELECT value FROM json_each(?))"
REMOVE_BRANCHES = "DELETE FROM branches WHERE id IN (SELECT value FROM json_each(?))"
REMOVE_SESSIONS = "DELETE FROM sessions WHERE id IN (SELECT value FROM json_each(?))"
REMOVE_MEDIA = "DELETE FROM blobs WHERE id NOT IN (SELECT blob FROM message_blobs)"
REMOVE_NAMESPACE = """
DELETE FROM namespaces WHERE id = ? AND NOT EXISTS (SELECT 1 FROM sessions WHERE namespace = namespaces.id)
"""


def forget(connection: Database, session_id: str, namespace: str, forks: Forks) -> Forgotten:
    """Delete a session's rows. One that is not there is nothing to do."""
    if forks not in get_args(Forks):
        raise ValueError(f"forks is one of {', '.join(map(repr, get_args(Forks)))}, not {forks!r}")
    found = connection.execute(FIND_SESSION, (escaped(namespace), escaped(session_id))).fetchone()
    if found is None:
        return Forgotten()
    session, space = found
    if forks == "raise":
        _refuse_forks(connection, session, session_id)
    sessions = _with_forked(connection, session) if forks == "cascade" else [session]
    forgotten = _remove(connection, sessions)
    connection.execute(REMOVE_NAMESPACE, (space,))
    return forgotten


def _refuse_forks(connection: Database, session: int, session_id: str) -> None:
    only = json.dumps([session])
    count = len(connection.execute(BRANCHES, (only,)).fetchall())
    names = [repr(unescaped(name)) for _, name in connection.execute(FORKED, (only,))]
    if count == 1 and not names:
        return
    listed = ", ".join(names[:NAMED_AT_MOST]) + (", ..." if len(names) > NAMED_AT_MOST else "")
    forked = f" and {len(names)} forked from it ({listed})" if names else ""
    raise SessionHasForks(
        f"session {session_id!r} has {count} {'branch' if count == 1 else 'branches'}{forked}; nothing was "
        "erased. forks='detach' erases it with its branches, while sessions forked from it keep what they "
        "share; forks='cascade' erases those too"
    )


def _with_forked(connection: Database, session: int) -> list[int]:
    """The session, those forked from it, those forked from these, and so on."""
    found, sessions = [session], list[int]()
    while found:
        sessions += found
        found = [number for number, _ in connection.execute(FORKED, (json.dumps(sessions),))]
    return sessions


def _remove(connection: Database, sessions: list[int]) -> Forgotten:
    named = json.dumps(sessions)
    branches = [number for (number,) in connection.execute(BRANCHES, (named,))]
    before = _messages(connection, branches)
    kept = heirlooms(connection, sessions)
    going = json.dumps([number for number in branches if number not in kept])
    connection.defer_references()  # ancestors and descendants go in whatever order
    for number in branches:
        rest = kept.get(number, Heirloom())
        unindexing.remove_beyond(connection, number, rest.last_seq, rest.last_summary)
    connection.execute(REMOVE_BRANCHES, (going,))
    hand_over(connection, kept)
    connection.execute(REMOVE_SESSIONS, (named,))
    connection.execute(REMOVE_MEDIA)
    messages = before - _messages(connection, branches)
    return Forgotten(len(sessions), len(branches) - len(kept), messages)


def _messages(connection: Database, branches: list[int]) -> int:
    return connection.execute(COUNT_MESSAGES, (json.dumps(branches),)).fetchone()[0]
