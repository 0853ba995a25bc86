"""Opening the file: ours, somebody else's, or not there yet. Nothing is written before that is known."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

from context_compaction.archive.sql.faults import BUSY_SECONDS
from context_compaction.archive.sqlite.database import SQLiteDatabase
from context_compaction.archive.sqlite.erasing import resume
from context_compaction.archive.sqlite.faults import SQLiteTrouble, translated, without_search
from context_compaction.archive.sqlite.migrations import migrate, version_of
from context_compaction.errors import ArchiveCorrupt, ArchiveError, ArchiveUnavailable

MEMORY = ":memory:"
PRIVATE = 0o600
SEARCH_MODULE = "fts5"
CONNECTION: type[SQLiteDatabase] = SQLiteDatabase
"""What every connection is made of: `context_compaction.testing.faults` puts a class of its own here."""
_STATEMENTS = 256
_RETRY_SECONDS = 0.02
SETTINGS = (
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",
    "PRAGMA cache_size = -16000",
)
HAS_MODULE = "SELECT 1 FROM pragma_module_list WHERE name = ?"
READ_JOURNAL = "PRAGMA journal_mode"
SET_JOURNAL = "PRAGMA journal_mode = WAL"


def prepare(path: Path) -> None:
    """Make the file ready to be used: created with mode 0600 if missing, checked if not, migrated.

    Raises `ArchiveUnavailable`, `ArchiveCorrupt` or `ArchiveTooNew`; a file that is not ours stays as it is.
    """
    try:
        if path.is_dir():
            raise ArchiveUnavailable(f"{path}: this is a folder; name a file in it")
        if path.exists() and not path.is_file():
            raise ArchiveUnavailable(
                f"{path}: this is no regular file; name one, or one that is not there yet"
            )
        if not path.parent.is_dir():
            raise ArchiveUnavailable(f"{path}: the folder {path.parent} does not exist; create it first")
        if not _create(path):
            _inspect(path)
    except OSError as error:
        raise ArchiveUnavailable(
            f"{path}: cannot be reached ({error.strerror}); check the permissions of the file and its folders"
        ) from error


def connect(place: str) -> SQLiteDatabase:
    """A connection, set up. Any thread may use it; who does at what time is for the caller to settle."""
    memory = place == MEMORY
    target = MEMORY if memory else f"{Path(place).as_uri()}?mode=rw"
    connection = sqlite3.connect(
        target,
        uri=not memory,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=_STATEMENTS,
        factory=CONNECTION,
    )
    try:
        for setting in SETTINGS:
            connection.execute(setting)
    except BaseException:
        connection.close()
        raise
    return connection


def set_up(connection: sqlite3.Connection, place: str) -> None:
    """Migrate to the newest schema, then switch to WAL, and erase what a forget was kept from erasing.

    In this order: a new file gets its application id by way of the rollback journal, so it stands in the
    main file from the first commit on and `prepare` knows the file even if the process dies right after.
    """
    if version_of(connection, place) == 0 and not connection.execute(HAS_MODULE, (SEARCH_MODULE,)).fetchone():
        raise ArchiveUnavailable(without_search(place))
    migrate(connection, place)
    if place != MEMORY and connection.execute(READ_JOURNAL).fetchone()[0] != "wal":
        _use_wal(connection)
    resume(connection, place)


def _use_wal(connection: sqlite3.Connection) -> None:
    """SQLite does not wait for this lock by itself when several processes make the same file."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute(SET_JOURNAL)
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        time.sleep(_RETRY_SECONDS)


def _create(path: Path) -> bool:
    """Create the file for its owner alone; SQLite gives the WAL beside it the same mode."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, PRIVATE))
    except FileExistsError:
        return False
    except ValueError as error:
        raise ArchiveUnavailable(f"{str(path)!r} is no path ({error}); name a file or ':memory:'") from error
    except OSError as error:
        raise ArchiveUnavailable(f"{path}: cannot be created ({error.strerror}); check the folder") from error
    return True


def _inspect(path: Path) -> None:
    """Refuse what is not an archive.

    Read through SQLite: opening and closing the file by hand would drop the locks that other connections
    of this process hold on it.
    """
    if not os.access(path, os.R_OK | os.W_OK):
        raise ArchiveUnavailable(f"{path}: not readable and writable for this user; check its permissions")
    if path.stat().st_size == 0:
        path.chmod(PRIVATE)
        return
    problem = _peek(path)
    if isinstance(problem, ArchiveCorrupt) and not _being_created(path):
        # Another process may have been making the file, and have finished between the two looks.
        problem = _peek(path)
    if problem is not None and not (isinstance(problem, ArchiveCorrupt) and _being_created(path)):
        raise problem


def _peek(path: Path) -> ArchiveError | None:
    """What is wrong with the file, None for an archive."""
    try:
        with _Peek(path) as connection:
            version_of(connection, str(path))
    except SQLiteTrouble as error:
        problem = translated(error, str(path))
        problem.__cause__ = error
        return problem
    except ArchiveError as error:
        return error
    return None


def _being_created(path: Path) -> bool:
    """Whether a first transaction broke off, or is under way: SQLite itself puts that right."""
    return path.with_name(f"{path.name}-journal").exists()


class _Peek:
    """A connection that reads the main file alone, takes no lock and leaves nothing beside it."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(
            f"{path.as_uri()}?mode=ro&immutable=1", uri=True, factory=CONNECTION
        )

    def __enter__(self) -> sqlite3.Connection:
        return self._connection

    def __exit__(self, *_: object) -> None:
        self._connection.close()
