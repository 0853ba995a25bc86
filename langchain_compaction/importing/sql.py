"""`import_sql_histories`: every session of a table that ``SQLChatMessageHistory`` wrote."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import groupby
from typing import Any

from context_compaction import (
    Archive,
    InvalidMessage,
    Session,
    append_unknown,
    open_archive,
    table_rows,
    with_progress,
)
from langchain_compaction.importing.history import stored_messages
from langchain_compaction.messages import read_all
from langchain_compaction.sessions import ANY_BUDGET, ArchiveLike


def import_sql_histories(
    archive: ArchiveLike,
    database: Any,
    table: str = "message_store",
    *,
    namespace: str = "default",
) -> dict[str, int]:
    """Import each session of the table into the session of the same id; says how many messages each gained.

    ``database``: the path of a SQLite file, an SQLAlchemy URL, or an SQLAlchemy engine. It is only read.
    A session is imported as a whole or not at all, and importing again adds only what is new. A row that
    cannot be read raises `InvalidMessage` with its session and place: sessions before it are imported.
    Raises `MissingPackage`, `ArchiveError`, and the database's own errors.
    """
    opened = open_archive(archive)
    gained: dict[str, int] = {}
    try:
        rows = table_rows(database, table, ["session_id", "message"], ["session_id", "id"])
        with closing(rows):
            sessions = groupby(rows, key=lambda row: str(row[0]))
            for session_id, group in with_progress(sessions, "importing", unit="session"):
                gained[session_id] = _import(opened, session_id, namespace, (row[1] for row in group))
    finally:
        if not isinstance(archive, Archive):
            opened.close()
    return gained


def _import(archive: Archive, session_id: str, namespace: str, stored: Iterable[Any]) -> int:
    try:
        messages = read_all(stored_messages(_parsed(stored)))
    except InvalidMessage as error:
        raise InvalidMessage(f"of session {session_id!r}: {error.reason}", error.index) from error
    with Session(archive, session_id, namespace, budget=ANY_BUDGET) as session:
        return append_unknown(session, messages)


def _parsed(stored: Iterable[Any]) -> Iterator[Any]:
    """Rows are JSON text, or what a driver has made of a JSON column."""
    for index, message in enumerate(stored):
        try:
            yield json.loads(message) if isinstance(message, (str, bytes)) else message
        except ValueError as error:
            raise InvalidMessage(f"this row is no JSON: {error}", index) from error
