"""`import_sql_memory`: every session of the table in which `Memory` keeps its messages."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import groupby
from typing import Any

from context_compaction import Archive, InvalidMessage, open_archive, table_rows, with_progress
from llamaindex_compaction.importing.stored import import_stored
from llamaindex_compaction.sessions import ArchiveLike


def import_sql_memory(
    archive: ArchiveLike, database: Any, table: str = "llama_index_memory", *, namespace: str = "default"
) -> dict[str, int]:
    """Import each session of the table, active and archived messages; says how many each gained.

    ``database``: the path of a SQLite file, or an SQLAlchemy URL or engine (no asynchronous one).
    It is only read. A session is imported as a whole or not at all, and importing again adds only what is
    new. A row that cannot be read raises `InvalidMessage` with its session and place: sessions before it are
    imported. Raises `MissingPackage`, `ArchiveError`, and the database's own errors.
    """
    opened = open_archive(archive)
    gained: dict[str, int] = {}
    rows = table_rows(database, table, ["key", "data"], ["key", "timestamp", "id"])
    try:
        with closing(rows):
            sessions = groupby(rows, key=lambda row: str(row[0]))
            for key, group in with_progress(sessions, "importing", unit="session"):
                gained[key] = import_stored(opened, key, namespace, _parsed(key, (row[1] for row in group)))
    finally:
        if not isinstance(archive, Archive):
            opened.close()
    return gained


def _parsed(key: str, stored: Iterable[Any]) -> Iterator[Any]:
    """Rows are JSON text, or what a driver has made of a JSON column."""
    for index, data in enumerate(stored):
        try:
            yield json.loads(data) if isinstance(data, (str, bytes)) else data
        except ValueError as error:
            raise InvalidMessage(f"of session {key!r}: this row is no JSON: {error}", index) from error
