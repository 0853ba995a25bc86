"""Numbered steps from an empty schema to the newest one. A released step is never changed."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import suppress

import psycopg
from psycopg import sql

from context_compaction.archive.postgres.migrations import m001_initial, m002_vectors
from context_compaction.archive.sql.faults import too_new
from context_compaction.errors import ArchiveCorrupt

Migration = Callable[[psycopg.Connection], None]
MIGRATIONS: tuple[Migration, ...] = (m001_initial.upgrade, m002_vectors.upgrade)
"""The schema version is how many of these a schema has seen."""
# One row a step: how we know our own schemas. "archive" is the same in all of them, and in no other archive.
STEPS = """
CREATE TABLE context_compaction (
    version integer PRIMARY KEY,
    archive uuid NOT NULL,
    migrated_at timestamptz NOT NULL DEFAULT now()
)
"""
ADD_STEP = "INSERT INTO context_compaction (version, archive) VALUES (%s, %s)"
READ_STEPS = "SELECT max(version), min(archive::text) FROM context_compaction"
FIND_SCHEMA = "SELECT 1 FROM pg_namespace WHERE nspname = %s"
HAS_STEPS = "SELECT to_regclass(format('%%I.context_compaction', %s::text)) IS NOT NULL"
COUNT_TABLES = "SELECT count(*) FROM pg_tables WHERE schemaname = %s"


def version_of(connection: psycopg.Connection, schema: str, place: str) -> tuple[int, str]:
    """The schema version of an archive, 0 of an empty schema, and the archive's own name for itself.

    Raises `ArchiveCorrupt` for somebody else's schema, `ArchiveTooNew` for one of a later release.
    """
    if not _one(connection, HAS_STEPS, schema):
        if _one(connection, COUNT_TABLES, schema):
            raise ArchiveCorrupt(
                f"{place}: the schema has tables of another program, left as they are; name another"
            )
        return 0, ""
    row = connection.execute(READ_STEPS).fetchone()
    version, archive = row if row is not None and row[0] is not None else (0, "")
    if version > len(MIGRATIONS):
        raise too_new(place, version, len(MIGRATIONS))
    return version, archive


def migrate(connection: psycopg.Connection, schema: str, place: str, lock: str) -> str:
    """Bring the schema to the newest version; each step and its record are one transaction.

    ``lock`` is the statement that keeps out all others who write or migrate. Returns the archive's own name.
    """
    if known := _newest(connection):
        return known
    while True:
        if _one(connection, FIND_SCHEMA, schema):
            version, archive = version_of(connection, schema, place)
            if version == len(MIGRATIONS):
                return archive
        with connection.transaction():
            connection.execute(lock.encode())
            _step(connection, schema, place)


def _newest(connection: psycopg.Connection) -> str:
    """The archive's own name if its schema is the newest, as it mostly is: one round trip."""
    with suppress(psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn):
        row = connection.execute(READ_STEPS).fetchone()
        if row is not None and row[0] == len(MIGRATIONS):
            return row[1]
    return ""


def _step(connection: psycopg.Connection, schema: str, place: str) -> None:
    """The next step. Looked at again under the lock: another process may have been first."""
    if not _one(connection, FIND_SCHEMA, schema):
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
    version, archive = version_of(connection, schema, place)
    if version == len(MIGRATIONS):
        return
    if version == 0:
        connection.execute(STEPS)
    MIGRATIONS[version](connection)
    connection.execute(ADD_STEP, (version + 1, archive or str(uuid.uuid4())))


def _one(connection: psycopg.Connection, query: str, schema: str) -> int:
    row = connection.execute(query.encode(), (schema,)).fetchone()
    return row[0] if row is not None else 0
