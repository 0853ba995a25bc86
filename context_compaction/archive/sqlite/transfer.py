"""Export and import of an archive as JSON lines."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from context_compaction.archive import jsonl
from context_compaction.archive.jsonl import Record
from context_compaction.archive.sqlite.exported import (
    LIST_BRANCHES,
    blob_record,
    branch_records,
    session_records,
)
from context_compaction.archive.sqlite.loading import Loader
from context_compaction.archive.sqlite.payloads import hashes_in
from context_compaction.errors import ArchiveUnavailable

READ_FILE = "SELECT file FROM pragma_database_list WHERE name = 'main'"


def export(connection: sqlite3.Connection, path: str | os.PathLike[str]) -> int:
    """Write everything to ``path``; how many sessions that were."""
    _refuse_itself(connection, Path(path))
    sessions = 0
    with jsonl.writing(path) as file:
        for record in _records(connection):
            file.write(record)
            sessions += record["type"] == "session"
    return sessions


def import_(connection: sqlite3.Connection, path: str | os.PathLike[str]) -> int:
    """Add the sessions of an export that are not there yet; how many that were."""
    with jsonl.reading(path) as lines:
        loader = Loader(connection, lines)
        loader.load()
    return loader.added


def _records(connection: sqlite3.Connection) -> Iterator[Record]:
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


def _refuse_itself(connection: sqlite3.Connection, path: Path) -> None:
    """Raise before the export would take the place of the archive that it is of."""
    (own,) = connection.execute(READ_FILE).fetchone()
    files = [Path(f"{own}{suffix}") for suffix in ("", "-wal", "-shm")] if own else []
    try:
        itself = any(file.exists() and path.exists() and path.samefile(file) for file in files)
    except OSError:  # told when it is written to
        return
    if itself:
        raise ArchiveUnavailable(f"{path}: this is the archive itself; name another file")
