"""Waiting for another process's write, so that everybody's turn comes.

SQLite's own wait looks again after ever longer pauses, in the end ten times a second: between processes that
write all the time one of them can miss every gap for seconds, and give up. Short pauses of random length
meet a gap soon.
"""

from __future__ import annotations

import random
import sqlite3
import time

BEGIN = "BEGIN IMMEDIATE"
READ_TIMEOUT = "PRAGMA busy_timeout"
DO_NOT_WAIT = "PRAGMA busy_timeout = 0"
_SHORTEST, _LONGEST = 0.0002, 0.003
"""Seconds between two looks; a write takes about one thousandth."""
_PRIMARY = 0xFF


def begin_writing(connection: sqlite3.Connection) -> None:
    """Begin the only transaction that writes; SQLite's error if others are in the way for too long."""
    (patience,) = connection.execute(READ_TIMEOUT).fetchone()
    end = time.monotonic() + patience / 1000
    connection.execute(DO_NOT_WAIT)
    try:
        while not _begun(connection, last=time.monotonic() > end):
            time.sleep(random.uniform(_SHORTEST, _LONGEST))  # noqa: S311
    finally:
        connection.execute(f"{READ_TIMEOUT} = {int(patience)}")


def _begun(connection: sqlite3.Connection, *, last: bool) -> bool:
    try:
        connection.execute(BEGIN)
    except sqlite3.OperationalError as error:
        if last or error.sqlite_errorcode & _PRIMARY != sqlite3.SQLITE_BUSY:
            raise
        return False
    return True
