"""Waiting for another process's write, so that everybody's turn comes.

SQLite's own wait looks again after ever longer pauses, in the end ten times a second: between processes that
write all the time one of them can miss every gap for seconds, and give up. Short pauses of random length
meet a gap soon.
"""

from __future__ import annotations

import random
import sqlite3
import time

from context_compaction.archive.sqlite.faults import BUSY_SECONDS

BEGIN = "BEGIN IMMEDIATE"
DO_NOT_WAIT = "PRAGMA busy_timeout = 0"
WAIT = f"PRAGMA busy_timeout = {round(BUSY_SECONDS * 1000)}"
_SHORTEST, _LONGEST = 0.0002, 0.003
"""Seconds between two looks; a write takes about one thousandth."""


def begin_writing(connection: sqlite3.Connection) -> None:
    """Begin the only transaction that writes; SQLite's error if others are in the way for 5 s."""
    connection.execute(DO_NOT_WAIT)
    try:
        end = time.monotonic() + BUSY_SECONDS
        while not _begun(connection, last=time.monotonic() > end):
            time.sleep(random.uniform(_SHORTEST, _LONGEST))  # noqa: S311
    finally:
        connection.execute(WAIT)


def _begun(connection: sqlite3.Connection, *, last: bool) -> bool:
    try:
        connection.execute(BEGIN)
    except sqlite3.OperationalError as error:
        if last or error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
            raise
        return False
    return True
