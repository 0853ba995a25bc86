"""Numbered steps from an empty file to the newest schema. A released step is never changed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from context_compaction.archive.sql.faults import too_new
from context_compaction.archive.sqlite.migrations import (
    m001_initial,
    m002_life_of_data,
    m003_vectors,
    m004_trailing_index,
)
from context_compaction.errors import ArchiveCorrupt

APPLICATION_ID = 0x43434D50
"""``CCMP`` in the file's header: how we know our own files."""
READ_APPLICATION = "PRAGMA application_id"
READ_VERSION = "PRAGMA user_version"
COUNT_TABLES = "SELECT count(*) FROM sqlite_master"

Migration = Callable[[sqlite3.Connection], None]


MIGRATIONS: tuple[Migration, ...] = (
    m001_initial.upgrade,
    m002_life_of_data.upgrade,
    m003_vectors.upgrade,
    m004_trailing_index.upgrade,
)
"""The schema version is how many of these a file has seen."""


def version_of(connection: sqlite3.Connection, place: str) -> int:
    """The schema version of an archive, 0 of an empty file.

    Raises `ArchiveCorrupt` when the file is somebody else's, `ArchiveTooNew` when it is from a later release.
    """
    application, version, tables = _header(connection)
    if application != APPLICATION_ID:
        if application or version or tables:
            raise ArchiveCorrupt(f"{place}: a database of another program, left as it is; name another file")
        return 0
    if version > len(MIGRATIONS):
        raise too_new(place, version, len(MIGRATIONS))
    return version


def migrate(connection: sqlite3.Connection, place: str) -> None:
    """Bring the file to the newest schema; each step and its record are one transaction."""
    while version_of(connection, place) < len(MIGRATIONS):
        # Off, as a step may rebuild a table that others point at; that all still do is checked at its end.
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("BEGIN IMMEDIATE")
        try:
            # Read again under the lock: another process may have been first.
            version = version_of(connection, place)
            if version < len(MIGRATIONS):
                MIGRATIONS[version](connection)
                _check_references(connection, place)
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {version + 1}")
            connection.execute("COMMIT")
        except BaseException:
            connection.rollback()
            raise
        finally:
            connection.execute("PRAGMA foreign_keys = ON")


def _check_references(connection: sqlite3.Connection, place: str) -> None:
    broken = connection.execute("PRAGMA foreign_key_check").fetchone()
    if broken is not None:
        raise ArchiveCorrupt(
            f"{place}: a row of {broken[0]} points at a missing row of {broken[2]}; nothing was changed, "
            "restore a backup"
        )


def _header(connection: sqlite3.Connection) -> tuple[int, int, int]:
    """Application id, schema version and number of tables, as of one moment: it may be in the making."""
    begun = not connection.in_transaction
    if begun:
        connection.execute("BEGIN")
    try:
        tables = _number(connection, COUNT_TABLES)  # first: a pragma alone does not begin to read
        return _number(connection, READ_APPLICATION), _number(connection, READ_VERSION), tables
    finally:
        if begun:
            connection.rollback()  # nothing was written, and unlike COMMIT it never hides an error


def _number(connection: sqlite3.Connection, query: str) -> int:
    return int(connection.execute(query).fetchone()[0])
