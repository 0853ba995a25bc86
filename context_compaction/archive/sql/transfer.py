"""Export and import of an archive as JSON lines."""

from __future__ import annotations

import os
from collections.abc import Iterator

from context_compaction.archive import jsonl
from context_compaction.archive.jsonl import Record
from context_compaction.archive.sql.database import Database
from context_compaction.archive.sql.exported import (
    LIST_BRANCHES,
    blob_record,
    branch_records,
    session_records,
)
from context_compaction.archive.sql.loading import Loader
from context_compaction.archive.sql.payloads import hashes_in


def export(connection: Database, path: str | os.PathLike[str]) -> int:
    """Write everything to ``path``; how many sessions that were."""
    sessions = 0
    with jsonl.writing(path) as file:
        for record in _records(connection):
            file.write(record)
            sessions += record["type"] == "session"
    return sessions


def import_(connection: Database, path: str | os.PathLike[str]) -> int:
    """Add the sessions of an export that are not there yet; how many that were."""
    with jsonl.reading(path) as lines:
        loader = Loader(connection, lines)
        loader.load()
    return loader.added


def _records(connection: Database) -> Iterator[Record]:
    numbers = {branch: number for number, (branch, _) in enumerate(connection.execute(LIST_BRANCHES), 1)}
    places: dict[int, int] = {}
    for session, record in session_records(connection, numbers):
        places[session] = record["number"]
        yield record
    written: set[str] = set()
    for branch, session in connection.execute(LIST_BRANCHES):
        for record in branch_records(connection, branch, places[session], numbers):
            for name in hashes_in(record.get("payload") or ""):
                if name not in written:
                    yield blob_record(connection, name)
                    written.add(name)
            yield record
