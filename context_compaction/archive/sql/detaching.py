"""What forks share of a session that goes: cut to what they see of it, and given to one of them.

A branch that is handed over is from then on what it was at the last message any fork sees. Whatever was
the forgotten session's alone stays behind: later messages, summaries, views and reports, its notes and the
pins that no fork has.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from context_compaction.archive.sql import unindexing
from context_compaction.archive.sql.database import Database
from context_compaction.archive.sql.log import outline
from context_compaction.archive.sql.spans import Span, spans_of
from context_compaction.archive.sql.views import add_view, read_summaries, read_view
from context_compaction.view import Pin, View, forked, usable
from context_compaction.view.entries import pin_from_json

# What branches of other sessions see of the logs of these, the most of each first.
SHARED = """
SELECT branches.id, spans.last_seq, spans.last_summary, heirs.session, heirs.id
FROM branches JOIN spans ON spans.ancestor = branches.id JOIN branches AS heirs ON heirs.id = spans.branch
WHERE branches.session IN (SELECT value FROM json_each(?1))
    AND heirs.session NOT IN (SELECT value FROM json_each(?1))
ORDER BY branches.id, spans.last_seq DESC, heirs.session
"""
CUT_MESSAGES = "DELETE FROM messages WHERE branch = ? AND seq > ?"
CUT_SUMMARIES = "DELETE FROM summaries WHERE branch = ? AND number > ?"
CUT_COMPACTIONS = "DELETE FROM compactions WHERE branch = ? AND at_seq > ?"
# As they stood then: what closed or answered them later has not happened.
CUT_CALLS = "DELETE FROM calls WHERE branch = ? AND seq > ?"
REOPEN_CALLS = """
UPDATE calls SET closed_at = CASE WHEN closed_at <= ?1 THEN closed_at END,
    answered_by = CASE WHEN answered_by <= ?1 THEN answered_by END
WHERE branch = ?2 AND (closed_at > ?1 OR answered_by > ?1)
"""
CUT_PINS = """
DELETE FROM pins WHERE branch = ?1 AND NOT EXISTS (
    SELECT 1 FROM pins AS others WHERE others.branch IN (SELECT value FROM json_each(?2))
        AND others.ref = pins.ref AND others.text = pins.text
)
"""
LIMIT_SHARE = "UPDATE spans SET last_summary = min(last_summary, ?) WHERE ancestor = ? AND branch <> ancestor"
GIVE = """
UPDATE branches SET session = ?, last_seq = ?, next_summary = ?, state = '{}',
    tip = (SELECT hash FROM messages WHERE messages.branch = branches.id AND seq = ?)
WHERE id = ?
"""
READ_PINS = "SELECT ref, text FROM pins WHERE branch IN (SELECT value FROM json_each(?))"
READ_VIEW_PINS = "SELECT DISTINCT pins FROM views WHERE branch IN (SELECT value FROM json_each(?))"
VERSIONS = "SELECT version FROM views WHERE branch = ? ORDER BY version DESC"
# The first version that is not older than every fork: heirs read those before it from this branch.
FIRST_OWN = """
SELECT coalesce(max(first), 0) FROM (
    SELECT min(views.version) AS first FROM spans
    JOIN spans AS later ON later.branch = spans.branch AND later.last_seq > spans.last_seq
    JOIN views ON views.branch = later.ancestor
    WHERE spans.ancestor = ? AND spans.branch IN (SELECT value FROM json_each(?)) GROUP BY spans.branch
) AS firsts
"""
REMOVE_VIEWS = "DELETE FROM views WHERE branch = ?"
LAST_VERSION = "SELECT coalesce(max(version), 0) FROM compactions WHERE branch = ? AND committed = 1"
SET_VERSION = "UPDATE branches SET version = ? WHERE id = ?"


@dataclass(frozen=True, slots=True)
class Heirloom:
    """What is left of a branch: messages and summaries up to these numbers. Nothing, for most."""

    last_seq: int = 0
    last_summary: int = 0
    session: int = 0
    """The one that it goes to: that sees most of it."""
    heirs: tuple[int, ...] = ()
    """The branches that see it."""


def heirlooms(connection: Database, sessions: Sequence[int]) -> dict[int, Heirloom]:
    """By branch of these sessions, what other sessions see of it; branches nobody sees are left out."""
    found: dict[int, Heirloom] = {}
    for branch, last_seq, last_summary, session, heir in connection.execute(SHARED, (json.dumps(sessions),)):
        most = found.setdefault(branch, Heirloom(last_seq, last_summary, session))
        found[branch] = replace(
            most, last_summary=max(most.last_summary, last_summary), heirs=(*most.heirs, heir)
        )
    return found


def hand_over(connection: Database, kept: Mapping[int, Heirloom]) -> None:
    """Cut the branches and give them away. Their index entries beyond are gone already."""
    for branch, rest in kept.items():
        _cut(connection, branch, rest)
    for branch, rest in kept.items():  # once all logs are cut: a view shows summaries of several
        _go_back(connection, branch, rest)
        unindexing.recount(connection, branch)


def _cut(connection: Database, branch: int, rest: Heirloom) -> None:
    connection.execute(CUT_MESSAGES, (branch, rest.last_seq))
    connection.execute(CUT_SUMMARIES, (branch, rest.last_summary))
    connection.execute(CUT_COMPACTIONS, (branch, rest.last_seq))
    connection.execute(CUT_CALLS, (branch, rest.last_seq))
    connection.execute(REOPEN_CALLS, (rest.last_seq, branch))
    connection.execute(CUT_PINS, (branch, json.dumps(rest.heirs)))
    connection.execute(LIMIT_SHARE, (rest.last_summary, branch))
    row = (rest.session, rest.last_seq, rest.last_summary + 1, rest.last_seq, branch)
    connection.execute(GIVE, row)


def _go_back(connection: Database, branch: int, rest: Heirloom) -> None:
    """Let the branch show what a fork of it at its end would, and keep the older ones of its views."""
    spans = spans_of(connection, branch)
    views = _views(connection, spans, rest)
    newest = _newest_view(connection, spans, views)
    # Reports that the heirs see stay, and a version that was reported must not come again. Version 0 is the
    # empty view, for the heirs too.
    (reported,) = connection.execute(LAST_VERSION, (branch,)).fetchone()
    newest = replace(newest, version=max(newest.version, reported, min(1, len(newest.head))))
    kept = {view.version: view for view in views if view.head_end <= rest.last_seq}
    connection.execute(REMOVE_VIEWS, (branch,))
    connection.execute(SET_VERSION, (newest.version, branch))
    shared = _pins_of(connection, rest.heirs)
    (first_own,) = connection.execute(FIRST_OWN, (branch, json.dumps(rest.heirs))).fetchone()
    for view in (kept | {newest.version: newest}).values():
        pins = tuple(pin for pin in view.pins if pin.heard or pin in shared or view.version < first_own)
        if view != View():
            add_view(connection, branch, replace(view, pins=pins))


def _views(connection: Database, spans: Sequence[Span], rest: Heirloom) -> list[View]:
    """A branch's own versions whose summaries are there still, and of what is; the newest first."""
    known = read_summaries(connection, spans)
    versions = connection.execute(VERSIONS, (spans[-1].branch,)).fetchall()
    views = [read_view(connection, spans, version) for (version,) in versions]
    return [
        view
        for view in views
        if all(number in known and known[number].seqs[-1] <= rest.last_seq for number in view.summaries)
    ]


def _newest_view(connection: Database, spans: Sequence[Span], views: Sequence[View]) -> View:
    """The view of a fork at the end of the log, made of the newest of ``views`` that it can begin with."""
    known, rows = read_summaries(connection, spans), outline(connection, spans, 0)
    pruned = {row.seq for row in rows if row.pruned}
    users = [row.seq for row in rows if row.role == "user"]
    last = max((row.seq for row in rows if row.role != "tool" and row.supersedes is None), default=1)
    stay = {*users[-1:], *range(last, len(rows) + 1)} - pruned
    found = (view for view in views if usable(view, known, max(known, default=0), stay))
    return forked(next(found, View()), len(rows), known, pruned, stay)


def _pins_of(connection: Database, branches: Sequence[int]) -> set[Pin]:
    """Every pin that these branches have, or had at a compaction."""
    named = json.dumps(branches)
    pins = {Pin(ref, json.loads(text)) for ref, text in connection.execute(READ_PINS, (named,))}
    for (text,) in connection.execute(READ_VIEW_PINS, (named,)):
        pins |= {pin_from_json(pin) for pin in json.loads(text)}
    return pins
