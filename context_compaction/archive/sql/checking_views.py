"""Checking what a branch has beside its log: summaries, its present view, notes, pins and reports."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from context_compaction.archive.coherence import wrong_summary, wrong_view
from context_compaction.archive.sql.branches import SUPERSEDING
from context_compaction.archive.sql.checking_log import readable
from context_compaction.archive.sql.database import Database
from context_compaction.archive.sql.spans import Span
from context_compaction.archive.sql.views import read_events, read_summaries, read_view

READ_NUMBERS = "SELECT CAST(number AS BIGINT) FROM summaries WHERE branch = ? AND number <= ? ORDER BY number"
FIND_VIEW = "SELECT 1 FROM views WHERE branch = ? AND version = ? AND head_end <= ?"
READ_STATE = "SELECT CAST(state AS BLOB) FROM branches WHERE id = ?"
READ_PINS = "SELECT CAST(text AS BLOB) FROM pins WHERE branch = ?"
Damage = tuple[str, str]
"""A reference, or nothing, and what is wrong in words."""


def check_views(connection: Database, spans: Sequence[Span], version: int, last_seq: int) -> Iterator[Damage]:
    """What is wrong with a branch that ends at ``last_seq`` and is at ``version``."""
    yield from _summaries(connection, spans, last_seq)
    yield from _view(connection, spans, version, last_seq)
    yield from _notes(connection, spans[-1])


def _summaries(connection: Database, spans: Sequence[Span], last_seq: int) -> Iterator[Damage]:
    """Of the branch's own summaries; what its ancestors wrote is theirs."""
    known = {number for span in spans for number in _numbers(connection, span)}
    for number in _numbers(connection, spans[-1]):
        found = readable(lambda number=number: read_summaries(connection, spans[-1:], [number])[number])
        if found is None or not isinstance(found.text, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            yield f"s:{number}", "cannot be read"
        elif (wrong := wrong_summary(found, last_seq, known)) is not None:
            yield found.ref, wrong


def _view(connection: Database, spans: Sequence[Span], version: int, last_seq: int) -> Iterator[Damage]:
    name = f"version {version} of the view"
    if version and not any(
        connection.execute(FIND_VIEW, (span.branch, version, span.last)).fetchone() for span in spans
    ):
        yield "", f"{name} is not there"
        return
    view = readable(lambda: read_view(connection, spans, version))
    if view is None:
        yield "", f"{name} cannot be read"
        return
    summaries = readable(lambda: read_summaries(connection, spans, view.summaries))
    if summaries is None:
        return  # told of the summary itself
    superseded = {
        replaced
        for span in spans
        for _, replaced in connection.execute(SUPERSEDING, (span.branch, span.first, span.last))
    }
    wrong = readable(lambda: (wrong_view(view, summaries, superseded, last_seq),))
    if wrong is None or wrong[0] is not None:
        yield "", f"{name} {'cannot be read' if wrong is None else wrong[0]}"


def _notes(connection: Database, own: Span) -> Iterator[Damage]:
    (state,) = connection.execute(READ_STATE, (own.branch,)).fetchone()
    if not isinstance(readable(lambda: json.loads(state)), dict):
        yield "", "the notes that the session goes on from cannot be read"
    for (text,) in connection.execute(READ_PINS, (own.branch,)):
        if not isinstance(readable(lambda text=text: json.loads(text)), str):
            yield "", "a pin cannot be read"
    if readable(lambda: read_events(connection, [own])) is None:
        yield "", "a report of a compaction cannot be read"


def _numbers(connection: Database, span: Span) -> list[int]:
    return [number for (number,) in connection.execute(READ_NUMBERS, (span.branch, span.last_summary))]
