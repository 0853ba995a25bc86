"""Getting bytes out of the file: what was deleted is still in it until SQLite writes it anew.

Neither deleting nor ``secure_delete`` is enough: when SQLite splits a page it leaves copies in the unused
part of the old one, and those stay. `VACUUM` writes only what is there into new pages, and a checkpoint
that empties the write-ahead log removes the old ones. Until both are done a row of ``chores`` says so, and
whoever opens the archive next goes on with it.
"""

from __future__ import annotations

import gc
import logging
import sqlite3
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from context_compaction.archive.sql.faults import BUSY_SECONDS
from context_compaction.archive.sqlite.faults import translated
from context_compaction.errors import ArchiveError, ArchiveUnavailable

if TYPE_CHECKING:
    from context_compaction.archive.sqlite.connection import Connections

logger = logging.getLogger(__name__)
# Another forget moves it on: what one process is done with must not pass for what the other began.
BEGIN_CHORE = """
INSERT INTO chores (name, at) VALUES ('erase', ?)
ON CONFLICT (name) DO UPDATE SET at = max(excluded.at, at + 0.001)
"""
PENDING = "SELECT at FROM chores WHERE name = 'erase'"
END_CHORE = "DELETE FROM chores WHERE name = 'erase' AND at = ?"
VACUUM = "VACUUM"
COPY = "VACUUM INTO ?"
CHECKPOINT = "PRAGMA wal_checkpoint(TRUNCATE)"
READ_TIMEOUT = "PRAGMA busy_timeout"
NO_TIMEOUT = "PRAGMA busy_timeout = 0"
PAGES = """
SELECT freelist_count, page_count, page_size
FROM pragma_freelist_count, pragma_page_count, pragma_page_size
"""
FREE_SHARE, FREE_BYTES = 0.25, 1_000_000
"""How much of a file must be free, by both measures, before it is worth writing anew."""
_RETRY_SECONDS = 0.02


def begin(connection: sqlite3.Connection) -> None:
    """Write down, in the transaction that deletes, that its bytes are to be erased."""
    connection.execute(BEGIN_CHORE, (time.time(),))


def erase(connections: Connections) -> None:
    """Erase what was forgotten, now or earlier, from file and write-ahead log. Nothing to do is no error.

    Raises `ArchiveUnavailable` when other connections keep it from being done: it stays to be done.
    """
    with connections.lock:
        try:
            done = _finish(connections.get(), BUSY_SECONDS)
        except sqlite3.OperationalError as error:
            raise _unfinished(connections.place, f" ({error})") from error
        except sqlite3.Error as error:
            raise translated(error, connections.place) from error
        if not done:
            raise _unfinished(connections.place)


def resume(connection: sqlite3.Connection, place: str) -> None:
    """Finish at opening what an earlier process began, unless that would mean to wait for somebody."""
    if connection.execute(PENDING).fetchone() is None:
        return
    with _not_waiting(connection):
        try:
            if not _finish(connection, 0.0):
                logger.info("%s: others read it; forgotten bytes are erased at a later opening", place)
        except sqlite3.OperationalError as error:
            logger.warning("%s: forgotten bytes are erased at a later opening: %s", place, error)


def shrink(connections: Connections) -> None:
    """Give free pages back to the file system if they are many. That it cannot be done now is no error."""
    with connections.lock:
        try:
            connection = connections.get()
            free, pages, size = connection.execute(PAGES).fetchone()
            if free >= pages * FREE_SHARE and free * size >= FREE_BYTES:
                vacuum(connection)
                connection.execute(CHECKPOINT).fetchone()
        except (sqlite3.Error, ArchiveError) as error:
            logger.warning("%s: the file was not made smaller after pruning: %s", connections.place, error)


def vacuum(connection: sqlite3.Connection, into: str | None = None) -> None:
    """Write the file anew, or a copy of it ``into`` another."""
    sql, names = (VACUUM, ()) if into is None else (COPY, (into,))
    try:
        connection.execute(sql, names)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_ERROR:
            raise
        gc.collect()  # a read that failed half way is under way for as long as its traceback lives
        connection.execute(sql, names)


def _finish(connection: sqlite3.Connection, patience: float) -> bool:
    """Whether nothing is left to be done."""
    chore = connection.execute(PENDING).fetchone()
    if chore is None:
        return True
    vacuum(connection)
    if not _emptied(connection, patience):
        return False
    connection.execute(END_CHORE, chore)
    return True


def _emptied(connection: sqlite3.Connection, patience: float) -> bool:
    """Move the write-ahead log into the file and empty it; False while others read what was there before."""
    deadline = time.monotonic() + patience
    with _not_waiting(connection):
        busy = connection.execute(CHECKPOINT).fetchone()[0]
        if busy and patience:
            gc.collect()  # of reads that failed half way, as in `vacuum`, on the connections of other threads
        while busy and time.monotonic() < deadline:
            time.sleep(_RETRY_SECONDS)
            busy = connection.execute(CHECKPOINT).fetchone()[0]
    return not busy


@contextmanager
def _not_waiting(connection: sqlite3.Connection) -> Generator[None]:
    """Who is in the way is told at once."""
    (timeout,) = connection.execute(READ_TIMEOUT).fetchone()
    connection.execute(NO_TIMEOUT)
    try:
        yield
    finally:
        connection.execute(f"{READ_TIMEOUT} = {int(timeout)}")


def _unfinished(place: str, detail: str = "") -> ArchiveUnavailable:
    return ArchiveUnavailable(
        f"{place}: the session is gone, but bytes of it may remain in the file as long as other connections "
        f"use it{detail}; the next opening of the archive, or calling forget again, erases them"
    )
