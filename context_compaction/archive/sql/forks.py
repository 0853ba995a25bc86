"""Making a branch: rows that say what it shares, and copies of the little that is a branch's own."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import replace

from context_compaction.archive.records import Fork
from context_compaction.archive.sql.database import Database
from context_compaction.archive.sql.names import escaped
from context_compaction.archive.sql.search import index_summaries
from context_compaction.archive.sql.spans import ACTIVATE, FOREVER, Span, spans_of
from context_compaction.archive.sql.views import add_summary, add_view, read_summaries
from context_compaction.errors import SessionExists, StaleView
from context_compaction.view import View

OWN_SESSION = "SELECT session FROM branches WHERE id = ?"
NEW_SESSION = """
INSERT INTO sessions (namespace, session_id, created_at)
SELECT sessions.namespace, ?, ? FROM branches JOIN sessions ON sessions.id = branches.session
WHERE branches.id = ? ON CONFLICT DO NOTHING
"""
HASH_AT = "SELECT hash FROM messages WHERE branch = ? AND seq = ?"
ADD_BRANCH = """
INSERT INTO branches (session, parent, fork_at, version, next_summary, documents, terms, state, created_at,
    last_seq, tip)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
ADD_SPAN = "INSERT INTO spans (branch, ancestor, last_seq, last_summary) VALUES (?, ?, ?, ?)"
# The index entries of one ancestor that the fork sees: messages, and summaries up to the last it shares.
SHARED_DOCUMENTS = """
SELECT count(*), coalesce(sum(length), 0) FROM documents WHERE branch = ? AND seq <= ? AND summary <= ?
"""
COPY_PINS = """
INSERT INTO pins (branch, ref, text)
SELECT ?, ref, text FROM pins WHERE branch = ? AND CAST(substr(ref, 3) AS BIGINT) <= ? ORDER BY id
"""
# Calls as they stood at the fork: what closed or answered them later did not happen here.
COPY_CALLS = """
INSERT INTO calls (branch, seq, position, call_id, closed_at, answered_by)
SELECT ?, seq, position, call_id, CASE WHEN closed_at <= ? THEN closed_at END,
    CASE WHEN answered_by <= ? THEN answered_by END
FROM calls WHERE branch = ? AND seq <= ?
    AND (answered_by IS NULL OR answered_by > ? OR closed_at IS NOT NULL)
"""
# Versions and reports of a branch none of whose messages are shared.
COPY_VIEWS = """
INSERT INTO views (branch, version, head_end, pins, entries)
SELECT ?, version, head_end, pins, entries FROM views WHERE branch = ? AND version < ? AND head_end <= ?
ON CONFLICT DO NOTHING
"""
COPY_COMPACTIONS = """
INSERT INTO compactions (branch, at_seq, version, committed, happened_at, event)
SELECT ?, at_seq, version, committed, happened_at, event FROM compactions
WHERE branch = ? AND at_seq <= ? ORDER BY id
"""


def fork(connection: Database, branch: int, plan: Fork) -> int:
    """Write the branch. Raises `StaleView` if the log does not reach ``plan.at``, or `SessionExists`."""
    shared = _shared(connection, branch, plan)
    session = _session(connection, branch, plan.session_id)
    parent = shared[-1].branch if shared else None
    child = _add_branch(connection, session, plan, shared, _tip(connection, parent, plan.at))
    if plan.view != View():
        add_view(connection, child, plan.view)
    _copy_compacted(connection, branch, child, plan)
    connection.execute(COPY_PINS, (child, branch, plan.at))
    if parent is not None:
        connection.execute(COPY_CALLS, (child, plan.at, plan.at, parent, plan.at, plan.at))
    if plan.activate or plan.session_id is not None:
        connection.execute(ACTIVATE, (child, child))
    return child


def _shared(connection: Database, branch: int, plan: Fork) -> list[Span]:
    """What the fork sees of each ancestor, oldest first; the last one owns the message it forks at."""
    return [
        Span(span.branch, span.first, min(span.last, plan.at), min(span.last_summary, plan.last_summary))
        for span in spans_of(connection, branch)
        if span.first <= plan.at
    ]


def _copy_compacted(connection: Database, branch: int, child: int, plan: Fork) -> None:
    """What branches without a message up to the fork compacted of those that they share themselves."""
    left = [span for span in spans_of(connection, branch) if span.first > plan.at]
    for span in reversed(left):  # a version that several have is that of the last one, as in `read_view`
        connection.execute(COPY_VIEWS, (child, span.branch, plan.view.version, plan.at))
    for span in left:
        known = replace(span, last_summary=min(span.last_summary, plan.last_summary))
        summaries = list(read_summaries(connection, [known]).values())
        for summary in summaries:
            add_summary(connection, child, summary)
        index_summaries(connection, child, summaries)
        connection.execute(COPY_COMPACTIONS, (child, span.branch, plan.at))


def _tip(connection: Database, parent: int | None, at: int) -> bytes:
    if parent is None:
        return b""
    found = connection.execute(HASH_AT, (parent, at)).fetchone()
    if found is None:
        raise StaleView(f"the log ends before m:{at}, where it was to fork; read it again")
    return found[0]


def _session(connection: Database, branch: int, name: str | None) -> int:
    if name is None:
        return connection.execute(OWN_SESSION, (branch,)).fetchone()[0]
    made = connection.execute(NEW_SESSION, (escaped(name), time.time(), branch))
    if made.rowcount != 1 or made.lastrowid is None:
        raise SessionExists(f"session {name!r} is there already; fork to another id, or forget it first")
    return made.lastrowid


def _add_branch(
    connection: Database,
    session: int,
    plan: Fork,
    shared: Sequence[Span],
    tip: bytes,
) -> int:
    seen = [
        connection.execute(SHARED_DOCUMENTS, (span.branch, span.last, span.last_summary)).fetchone()
        for span in shared
    ]
    documents, terms = sum(count for count, _ in seen), sum(length for _, length in seen)
    parent = shared[-1].branch if shared else None
    row = (session, parent, plan.at, plan.view.version, plan.last_summary + 1, documents, terms)
    rest = (json.dumps(dict(plan.state)), time.time(), plan.at, tip)
    child = connection.execute(ADD_BRANCH, (*row, *rest)).lastrowid or 0
    spans = [(child, span.branch, span.last, span.last_summary) for span in shared]
    connection.executemany(ADD_SPAN, [*spans, (child, child, FOREVER, FOREVER)])
    return child
