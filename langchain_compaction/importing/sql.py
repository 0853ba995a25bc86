"""`import_sql_histories`: every session of a table that ``SQLChatMessageHistory`` wrote."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from importlib import import_module
from itertools import groupby
from pathlib import Path
from typing import Any

from context_compaction import Archive, Budget, InvalidMessage, Session, with_progress
from langchain_compaction.errors import MissingPackage
from langchain_compaction.importing.appending import append_unknown
from langchain_compaction.importing.history import stored_messages
from langchain_compaction.messages import read_all
from langchain_compaction.sessions import ArchiveLike, archive_of

_ANY_BUDGET = Budget(context_window=1_000_000)
"""Importing needs none."""
Row = tuple[Any, Any]
"""Session id and message."""


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
    opened = archive_of(archive)
    gained: dict[str, int] = {}
    try:
        rows = _of_file(database, table) if _is_file(database) else _of_engine(database, table)
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
    with Session(archive, session_id, namespace, budget=_ANY_BUDGET) as session:
        return append_unknown(session, messages)


def _parsed(stored: Iterable[Any]) -> Iterator[Any]:
    """Rows are JSON text, or what a driver has made of a JSON column."""
    for index, message in enumerate(stored):
        try:
            yield json.loads(message) if isinstance(message, (str, bytes)) else message
        except ValueError as error:
            raise InvalidMessage(f"this row is no JSON: {error}", index) from error


def _is_file(database: object) -> bool:
    return isinstance(database, os.PathLike) or (isinstance(database, str) and "://" not in database)


def _of_file(path: str | os.PathLike[str], table: str) -> Generator[Row]:
    """Read only: a path that is not there is no new file."""
    uri = f"{Path(path).absolute().as_uri()}?mode=ro"
    name = table.replace('"', '""')
    query = f'SELECT session_id, message FROM "{name}" ORDER BY session_id, id'  # noqa: S608 - quoted
    with closing(sqlite3.connect(uri, uri=True)) as connection:
        yield from connection.execute(query)


def _of_engine(database: Any, table: str) -> Generator[Row]:
    try:
        sql: Any = import_module("sqlalchemy")
    except ImportError as error:
        raise MissingPackage("sqlalchemy", "reading a database by its URL") from error
    columns = [sql.column(name) for name in ("session_id", "message", "id")]
    rows = sql.table(table, *columns)
    query = sql.select(*columns[:2]).select_from(rows).order_by(columns[0], columns[2])
    engine = sql.create_engine(database) if isinstance(database, str) else database
    try:
        with engine.connect() as connection:
            yield from connection.execute(query)
    finally:
        if engine is not database:
            engine.dispose()
