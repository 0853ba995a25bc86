"""`open_archive`: an archive from whatever names one."""

from __future__ import annotations

import os
from pathlib import Path

from context_compaction.archive.base import Archive
from context_compaction.archive.retention import Retention
from context_compaction.archive.sqlite.archive import SQLiteArchive
from context_compaction.errors import ArchiveUnavailable

_POSTGRES = ("postgresql://", "postgres://")


def open_archive(
    archive: str | os.PathLike[str] | Archive = ":memory:", retention: Retention | None = None
) -> Archive:
    """The archive that a path, ``:memory:`` or an address names; an `Archive` is given back as it is.

    A file that is not there is made, with mode 0600. With a ``retention`` the archive prunes itself; an
    `Archive` that is there already has its own or none, and `ValueError` is raised.
    Raises `ArchiveUnavailable`, `ArchiveCorrupt` or `ArchiveTooNew`, and `TypeError` for anything that names
    no archive.
    """
    if isinstance(archive, Archive):
        if retention is not None:
            raise ValueError(
                "the archive is open already; give retention where it is made: SQLiteArchive(path, retention)"
            )
        return archive
    if isinstance(archive, str):
        return _from_text(archive, retention)
    if isinstance(archive, os.PathLike):  # pyright: ignore[reportUnnecessaryIsInstance] - callers may be untyped
        return SQLiteArchive(Path(archive), retention)
    raise TypeError(f"an archive is a path, ':memory:' or an Archive, not {type(archive).__name__}")


def _from_text(name: str, retention: Retention | None) -> Archive:
    if name.startswith(_POSTGRES):
        return _postgres(name, retention)
    if "://" in name:
        scheme = name.partition("://")[0]
        raise ArchiveUnavailable(
            f"no archive is reached by {scheme}://; name a file, ':memory:' or postgresql://..."
        )
    if not name:
        raise ArchiveUnavailable("an empty path names no archive; name a file or ':memory:'")
    return SQLiteArchive(name, retention)


def _postgres(address: str, retention: Retention | None) -> Archive:
    try:
        from context_compaction.archive.postgres import PostgresArchive
    except ImportError as error:
        raise ArchiveUnavailable(
            f"PostgreSQL archives need psycopg: pip install 'context-compaction[postgres]' ({error})"
        ) from error
    return PostgresArchive(address, retention)
