"""Fault points: make any one statement that an SQLite archive runs fail, or end the process there.

    with FaultPoints() as points:
        archive = SQLiteArchive(path)  # connections opened in here pass through the points
        points.arm()
        archive.append(branch, batch)
        count = len(points.statements)  # each could have failed
        points.arm(Fault(3, "after", sqlite3.SQLITE_FULL))
        archive.append(branch, batch)  # raises ArchiveUnavailable

Nothing of it is there otherwise: connections are then plain ones. For one thread at a time.
"""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, Self

from context_compaction.archive.sqlite import opening
from context_compaction.archive.sqlite.database import SQLiteDatabase

How = Literal["instead", "rolled back", "after", "kill"]
"""``instead``: the statement does not run. ``rolled back``: nor does SQLite keep the transaction, as with
some full disks. ``after``: it runs and is reported as failed (a COMMIT, then, has happened). ``kill``: the
process ends by SIGKILL before it."""
HOWS: tuple[How, ...] = ("instead", "rolled back", "after")
"""All but the one that ends the process."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong at the statement number ``at``, counted from 1 since `FaultPoints.arm`. Once."""

    at: int
    how: How = "instead"
    code: int = sqlite3.SQLITE_IOERR

    def error(self, sql: str) -> sqlite3.OperationalError:
        """As SQLite would raise it."""
        error = sqlite3.OperationalError(f"fault point {self.at}: {' '.join(sql.split())[:60]}")
        error.sqlite_errorcode = self.code
        return error


class FaultPoints:
    """A context manager: SQLite connections that archives open within it run their statements past it.

    Each row of an ``executemany`` is a statement of its own.
    """

    def __init__(self) -> None:
        self.statements: list[str] = []
        """The SQL of each statement since `arm`, the failed one included."""
        self._fault: Fault | None = None
        self._watch: Callable[[], object] | None = None
        self._before: list[type[SQLiteDatabase]] = []

    def arm(self, fault: Fault | None = None, watch: Callable[[], object] | None = None) -> None:
        """Count anew, and let ``fault`` happen; without one statements are only counted.

        ``watch`` is called before every statement: a copy of the files made then is what a killed process
        would leave.
        """
        self.statements = []
        self._fault, self._watch = fault, watch

    @property
    def happened(self) -> bool:
        """Whether the fault of the last `arm` was reached."""
        return self._fault is not None and len(self.statements) >= self._fault.at

    def __enter__(self) -> Self:
        self._before.append(opening.CONNECTION)
        opening.CONNECTION = type("FaultyConnection", (_Connection,), {"points": self})
        return self

    def __exit__(self, *_: object) -> None:
        opening.CONNECTION = self._before.pop()

    @contextmanager
    def passing(self, connection: sqlite3.Connection, sql: str) -> Generator[None]:
        """Around every statement."""
        self.statements.append(sql)
        if self._watch is not None:
            self._watch()
        fault = self._fault if self._fault and len(self.statements) == self._fault.at else None
        if fault is not None and fault.how != "after":
            if fault.how == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            if fault.how == "rolled back":
                connection.rollback()
            raise fault.error(sql)
        yield
        if fault is not None:
            raise fault.error(sql)


class _Cursor(sqlite3.Cursor):
    def execute(self, sql: str, parameters: Any = (), /) -> Self:
        try:
            with _points(self.connection).passing(self.connection, sql):
                super().execute(sql, parameters)
        except BaseException:
            self.close()  # a statement that failed is no longer in progress, whoever holds its traceback
            raise
        return self

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> Self:
        super().executemany(sql, self._each(sql, parameters))
        return self

    def executescript(self, sql_script: str, /) -> Self:
        with _points(self.connection).passing(self.connection, sql_script):
            super().executescript(sql_script)
        return self

    def _each(self, sql: str, rows: Iterable[Any]) -> Generator[Any]:
        for row in rows:
            with _points(self.connection).passing(self.connection, sql):
                yield row  # SQLite runs the row, then asks for the next one: that is "after"


class _Connection(SQLiteDatabase):
    points: FaultPoints

    def cursor(self, factory: Any = None, /) -> Any:
        return super().cursor(factory or _Cursor)

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        return self.cursor().execute(sql, parameters)

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> sqlite3.Cursor:
        return self.cursor().executemany(sql, parameters)

    def executescript(self, sql_script: str, /) -> sqlite3.Cursor:
        return self.cursor().executescript(sql_script)


def _points(connection: sqlite3.Connection) -> FaultPoints:
    if not isinstance(connection, _Connection):
        raise TypeError("only connections of FaultPoints have such cursors")
    return connection.points
