"""Views, summaries with their lineage, and the reports of compactions."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence

from context_compaction.archive.records import Commit
from context_compaction.archive.sql.database import Database, Statements
from context_compaction.archive.sql.spans import Span, gone, left
from context_compaction.errors import StaleView
from context_compaction.events import CompactionEvent
from context_compaction.view import Range, SummaryRecord, View
from context_compaction.view.entries import entry_from_json, entry_to_json, pin_from_json, pin_to_json

READ_VIEW = "SELECT version, head_end, pins, entries FROM views WHERE branch = ? AND version = ?"
ADD_VIEW = "INSERT INTO views (branch, version, head_end, pins, entries) VALUES (?, ?, ?, ?, ?)"
REMOVE_VIEW = "DELETE FROM views WHERE branch = ? AND version = ?"
ADVANCE = """
UPDATE branches SET version = ?, next_summary = max(next_summary, ?), state = ?
WHERE id = ? AND version = ? AND id = (SELECT active FROM sessions WHERE sessions.id = branches.session)
"""
READ_VERSION = "SELECT version FROM branches WHERE id = ?"
ADD_SUMMARY = """
INSERT INTO summaries (branch, number, tokens, generation, writer, fidelity, text)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""
ADD_SOURCE = "INSERT INTO summary_sources (summary, position, source) VALUES (?, ?, ?)"
ADD_RANGE = "INSERT INTO summary_ranges (summary, first, last) VALUES (?, ?, ?)"
READ_SUMMARIES = """
SELECT id, number, text, tokens, generation, writer, fidelity FROM summaries
WHERE branch = ? AND number <= ? ORDER BY number
"""
READ_SOME_SUMMARIES = """
SELECT id, number, text, tokens, generation, writer, fidelity FROM summaries
WHERE branch = ? AND number <= ? AND number IN (SELECT value FROM json_each(?)) ORDER BY number
"""
READ_SOURCES = """
SELECT summary, source FROM summary_sources WHERE summary IN (SELECT value FROM json_each(?))
ORDER BY summary, position
"""
READ_RANGES = """
SELECT summary, first, last FROM summary_ranges WHERE summary IN (SELECT value FROM json_each(?))
ORDER BY summary, first
"""
ADD_COMPACTION = """
INSERT INTO compactions (branch, at_seq, version, committed, happened_at, event) VALUES (?, ?, ?, ?, ?, ?)
"""
READ_COMPACTIONS = "SELECT event FROM compactions WHERE branch = ? AND at_seq <= ? ORDER BY id"


def read_view(connection: Database, spans: Sequence[Span], version: int) -> View:
    """One version of a branch's view, or of the ancestor's that it had then; an empty one where none was."""
    for span in reversed(spans):
        row = connection.execute(READ_VIEW, (span.branch, version)).fetchone()
        if row is not None and row[1] <= span.last:
            return _view(row)
    return View(version=version)


def _view(row: tuple[int, int, str, str]) -> View:
    number, head_end, pins, entries = row
    return View(
        number,
        head_end,
        tuple(entry_from_json(entry) for entry in json.loads(entries)),
        tuple(pin_from_json(pin) for pin in json.loads(pins)),
    )


def write_commit(connection: Database, branch: int, commit: Commit) -> None:
    """Put the next version in place if the base is still the newest. Raises `StaleView` if not."""
    view = commit.view
    next_summary = max((summary.id + 1 for summary in commit.summaries), default=1)
    state = json.dumps(dict(commit.state))
    moved = connection.execute(ADVANCE, (view.version, next_summary, state, branch, commit.base_version))
    if moved.rowcount != 1:
        raise _stale(connection, branch, commit.base_version)
    add_view(connection, branch, view)
    for summary in commit.summaries:
        add_summary(connection, branch, summary)
    add_event(connection, branch, commit.event)


def add_view(connection: Database, branch: int, view: View) -> None:
    """Write one version of a branch's view."""
    pins = json.dumps([pin_to_json(pin) for pin in view.pins])
    entries = json.dumps([entry_to_json(entry) for entry in view.head], separators=(",", ":"))
    connection.execute(ADD_VIEW, (branch, view.version, view.head_end, pins, entries))


def rewrite_view(connection: Database, branch: int, view: View) -> None:
    """Put a view in the place of the one that has its version: when text must go that it holds."""
    connection.execute(REMOVE_VIEW, (branch, view.version))
    add_view(connection, branch, view)


def add_event(connection: Database, branch: int, event: CompactionEvent) -> None:
    """Keep the report of one attempted compaction."""
    row = (
        branch,
        event.at_seq,
        event.version,
        int(event.committed),
        time.time(),
        json.dumps(event.to_json()),
    )
    connection.execute(ADD_COMPACTION, row)


def read_events(connection: Database, spans: Sequence[Span]) -> list[CompactionEvent]:
    """The reports of all compactions up to each span's end, oldest first."""
    return [
        CompactionEvent.from_json(json.loads(text))
        for span in spans
        for (text,) in connection.execute(READ_COMPACTIONS, (span.branch, span.last))
    ]


def read_summaries(
    connection: Database, spans: Sequence[Span], ids: Iterable[int] | None = None
) -> dict[int, SummaryRecord]:
    """The summaries of a branch, all or those asked for, by number."""
    wanted = None if ids is None else json.dumps(sorted(set(ids)))
    rows: list[Row] = []
    for span in spans:
        if wanted is None:
            rows += connection.execute(READ_SUMMARIES, (span.branch, span.last_summary))
        else:
            rows += connection.execute(READ_SOME_SUMMARIES, (span.branch, span.last_summary, wanted))
    keys = [row[0] for row in rows]
    ranges, sources = ranges_of(connection, keys), sources_of(connection, keys)
    return {
        number: SummaryRecord(
            id=number,
            text=json.loads(text),
            tokens=tokens,
            generation=generation,
            ranges=tuple(ranges[key]),
            sources=tuple(sources[key]),
            writer=writer,
            fidelity=fidelity,
        )
        for key, number, text, tokens, generation, writer, fidelity in rows
    }


Row = tuple[int, int, str, int, int, str, float]


def ranges_of(connection: Statements, keys: Sequence[int]) -> dict[int, list[Range]]:
    """What the summaries with these keys stand for."""
    found: dict[int, list[Range]] = {key: [] for key in keys}
    for key, first, last in connection.execute(READ_RANGES, (json.dumps(keys),)) if keys else ():
        found[key].append((first, last))
    return found


def sources_of(connection: Statements, keys: Sequence[int]) -> dict[int, list[int]]:
    """Which summaries those with these keys were made from."""
    found: dict[int, list[int]] = {key: [] for key in keys}
    for key, source in connection.execute(READ_SOURCES, (json.dumps(keys),)) if keys else ():
        found[key].append(source)
    return found


def add_summary(connection: Database, branch: int, summary: SummaryRecord) -> None:
    """Write one summary with its lineage."""
    row = (branch, summary.id, summary.tokens, summary.generation, summary.writer, summary.fidelity)
    key = connection.execute(ADD_SUMMARY, (*row, json.dumps(summary.text))).lastrowid
    connection.executemany(ADD_RANGE, [(key, first, last) for first, last in summary.ranges])
    connection.executemany(
        ADD_SOURCE, [(key, position, source) for position, source in enumerate(summary.sources)]
    )


def _stale(connection: Database, branch: int, planned_on: int) -> StaleView:
    row = connection.execute(READ_VERSION, (branch,)).fetchone()
    if row is None:
        return gone(branch)
    if row[0] == planned_on:
        return left(branch)
    return StaleView(
        f"the view is at version {row[0]}, the compaction was planned on {planned_on}; plan again"
    )
