"""Rows of a table that another program wrote: in a SQLite file, or wherever SQLAlchemy reaches."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Generator, Sequence
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any

from context_compaction.errors import MissingPackage

Row = tuple[Any, ...]


def table_rows(database: Any, table: str, columns: Sequence[str], order: Sequence[str]) -> Generator[Row]:
    """These columns of each row, in this order. The database is only read.

    ``database``: the path of a SQLite file, an SQLAlchemy URL, or an SQLAlchemy engine. Raises
    `MissingPackage`, and the database's own errors.
    """
    rows = _of_file if _is_file(database) else _of_engine
    with closing(rows(database, table, columns, order)) as found:
        yield from found


def _is_file(database: object) -> bool:
    return isinstance(database, os.PathLike) or (isinstance(database, str) and "://" not in database)


def _of_file(
    path: str | os.PathLike[str], table: str, columns: Sequence[str], order: Sequence[str]
) -> Generator[Row]:
    """Read only: a path that is not there is no new file."""
    uri = f"{Path(path).absolute().as_uri()}?mode=ro"
    wanted, sorting = (", ".join(map(_quoted, names)) for names in (columns, order))
    query = f"SELECT {wanted} FROM {_quoted(table)} ORDER BY {sorting}"  # noqa: S608 - quoted
    with closing(sqlite3.connect(uri, uri=True)) as connection:
        yield from connection.execute(query)


def _quoted(name: str) -> str:
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


def _of_engine(database: Any, table: str, columns: Sequence[str], order: Sequence[str]) -> Generator[Row]:
    try:
        sql: Any = import_module("sqlalchemy")
    except ImportError as error:
        raise MissingPackage("reading a database by its URL", "sqlalchemy") from error
    known = {name: sql.column(name) for name in (*columns, *order)}
    rows = sql.table(table, *known.values())
    query = sql.select(*(known[name] for name in columns)).select_from(rows)
    query = query.order_by(*(known[name] for name in order))
    engine = sql.create_engine(database) if isinstance(database, str) else database
    try:
        with engine.connect() as connection:
            for row in connection.execute(query):
                yield tuple(row)
    finally:
        if engine is not database:
            engine.dispose()
