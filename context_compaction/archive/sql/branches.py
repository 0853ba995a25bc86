"""Sessions and their branches: opening, the state to go on from, notes and pins."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

from context_compaction.archive.records import Branch, BranchState, Tip
from context_compaction.archive.sql.database import Database
from context_compaction.archive.sql.names import escaped, unescaped
from context_compaction.archive.sql.spans import ACTIVATE, FOREVER, gone, spans_of
from context_compaction.archive.sql.views import read_summaries, read_view
from context_compaction.groups import Call
from context_compaction.view import Pin

FIND_ACTIVE = """
SELECT sessions.active FROM sessions JOIN namespaces ON namespaces.id = sessions.namespace
WHERE namespaces.name = ? AND sessions.session_id = ?
"""
ADD_NAMESPACE = "INSERT INTO namespaces (name) VALUES (?) ON CONFLICT DO NOTHING"
ADD_SESSION = """
INSERT INTO sessions (namespace, session_id, created_at)
SELECT id, ?, ? FROM namespaces WHERE name = ? ON CONFLICT DO NOTHING
"""
ADD_BRANCH = "INSERT INTO branches (session, created_at) VALUES (?, ?)"
ADD_SPAN = "INSERT INTO spans (branch, ancestor, last_seq, last_summary) VALUES (?, ?, ?, ?)"
SET_ACTIVE = "UPDATE sessions SET active = ? WHERE id = ?"
READ_BRANCH = "SELECT fork_at, last_seq, version, next_summary, state FROM branches WHERE id = ?"
READ_TIP = """
SELECT branches.last_seq, branches.version, sessions.active = branches.id
FROM branches JOIN sessions ON sessions.id = branches.session WHERE branches.id = ?
"""
READ_SESSIONS = """
SELECT namespaces.name, sessions.session_id FROM sessions
JOIN namespaces ON namespaces.id = sessions.namespace ORDER BY sessions.id
"""
READ_BRANCHES = """
SELECT branches.id, branches.parent, branches.fork_at, branches.last_seq, branches.version,
    sessions.active = branches.id, branches.created_at
FROM branches JOIN sessions ON sessions.id = branches.session
WHERE sessions.id = (SELECT session FROM branches WHERE id = ?) ORDER BY branches.id
"""
PENDING_CALLS = """
SELECT seq, position, call_id, closed_at, answered_by FROM calls
WHERE branch = ? AND (answered_by IS NULL OR closed_at IS NOT NULL) ORDER BY seq, position
"""
SUPERSEDING = """
SELECT seq, supersedes FROM messages WHERE branch = ? AND seq BETWEEN ? AND ? AND supersedes IS NOT NULL
"""
READ_PINS = "SELECT ref, text FROM pins WHERE branch = ? ORDER BY id"
ADD_PIN = "INSERT INTO pins (branch, ref, text) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
REMOVE_PINS = "DELETE FROM pins WHERE branch = ? AND ref = ?"
WRITE_STATE = "UPDATE branches SET state = ? WHERE id = ?"


def open_branch(connection: Database, namespace: str, session_id: str) -> int | None:
    """The active branch of a session, None if there is no such session."""
    row = connection.execute(FIND_ACTIVE, (escaped(namespace), escaped(session_id))).fetchone()
    return row[0] if row else None


def start_session(connection: Database, namespace: str, session_id: str) -> int:
    """A session with one empty branch; the existing one if another writer was first."""
    found = open_branch(connection, namespace, session_id)
    if found is not None:
        return found
    now = time.time()
    connection.execute(ADD_NAMESPACE, (escaped(namespace),))
    added = connection.execute(ADD_SESSION, (escaped(session_id), now, escaped(namespace)))
    if not added.rowcount:  # an import that was under way until now had it
        return open_branch(connection, namespace, session_id) or 0
    session = added.lastrowid
    branch = connection.execute(ADD_BRANCH, (session, now)).lastrowid
    connection.execute(ADD_SPAN, (branch, branch, FOREVER, FOREVER))
    connection.execute(SET_ACTIVE, (branch, session))
    if branch is None:  # it is set after every INSERT
        raise gone(0)
    return branch


def read_state(connection: Database, branch: int) -> BranchState:
    """Everything a session goes on from. Independent of the length of the log."""
    asked, calls = (connection.execute(what, (branch,)) for what in (READ_BRANCH, PENDING_CALLS))
    pins = connection.execute(READ_PINS, (branch,))
    spans = spans_of(connection, branch)
    superseding = [connection.execute(SUPERSEDING, (span.branch, span.first, span.last)) for span in spans]
    row = asked.fetchone()
    if row is None:
        raise gone(branch)
    fork_at, last_seq, version, next_summary, state = row
    view = read_view(connection, spans, version)
    unanswered, open_calls, synthetics = _calls(calls)
    return BranchState(
        branch=branch,
        fork_at=fork_at,
        last_seq=last_seq,
        view=view,
        summaries=read_summaries(connection, spans, view.summaries) if view.summaries else {},
        next_summary=next_summary,
        pins=tuple(Pin(ref, json.loads(text)) for ref, text in pins),
        unanswered=unanswered,
        open_calls=open_calls,
        synthetics=synthetics,
        superseding=dict(chain.from_iterable(superseding)),
        state=json.loads(state),
    )


def sessions(connection: Database, namespace: str | None) -> list[tuple[str, str]]:
    """Namespace and id of each, in the order they began."""
    found = [(unescaped(name), unescaped(session)) for name, session in connection.execute(READ_SESSIONS)]
    return [place for place in found if namespace is None or place[0] == namespace]


def of_session(connection: Database, branch: int) -> list[Branch]:
    """The branches of the session that this one is of, in the order they began."""
    rows = connection.execute(READ_BRANCHES, (branch,)).fetchall()
    if not rows:
        raise gone(branch)
    return [
        Branch(number, parent, fork_at, last_seq, version, bool(active), created_at)
        for number, parent, fork_at, last_seq, version, active, created_at in rows
    ]


def activate(connection: Database, branch: int) -> None:
    """Let the branch's session go on with it."""
    if connection.execute(ACTIVATE, (branch, branch)).rowcount != 1:
        raise gone(branch)


def tip(connection: Database, branch: int) -> Tip:
    """Where the branch stands."""
    row = connection.execute(READ_TIP, (branch,)).fetchone()
    if row is None:
        raise gone(branch)
    return Tip(row[0], row[1], bool(row[2]))


def write_state(connection: Database, branch: int, state: Mapping[str, Any]) -> None:
    """Keep a session's notes. Raises `StaleView` when the branch is gone."""
    if connection.execute(WRITE_STATE, (json.dumps(state), branch)).rowcount != 1:
        raise gone(branch)


def add_pins(connection: Database, branch: int, pins: Iterable[Pin]) -> None:
    """Add pins; one that is there already changes nothing."""
    for pin in pins:
        connection.execute(ADD_PIN, (branch, pin.ref, json.dumps(pin.text)))


def _calls(
    pending: Iterable[tuple[int, int, str, int | None, int | None]],
) -> tuple[tuple[Call, ...], tuple[Call, ...], dict[int, tuple[str, ...]]]:
    """Closed and unanswered, open, and the call ids that closed unanswered by their message."""
    unanswered: list[Call] = []
    open_calls: list[Call] = []
    synthetics: dict[int, tuple[str, ...]] = {}
    for seq, position, name, closed_at, answered_by in pending:
        call = Call(seq, position, unescaped(name))
        if closed_at is not None:
            synthetics[seq] = (*synthetics.get(seq, ()), call.call_id)
        if answered_by is None:
            (open_calls if closed_at is None else unanswered).append(call)
    return tuple(unanswered), tuple(open_calls), synthetics
