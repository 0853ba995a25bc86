"""One transaction on a connection of the pool, in as few round trips as its statements allow."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol

import psycopg

from context_compaction.archive.postgres.database import PostgresDatabase
from context_compaction.archive.postgres.dialect import Asked, inlined
from context_compaction.archive.postgres.faults import typed
from context_compaction.archive.postgres.opening import Address
from context_compaction.errors import ArchiveUnavailable


class Source(Protocol):
    """What a transaction wants of the pool."""

    address: Address

    def begin(self, statements: str) -> tuple[psycopg.Connection, list[Sequence[tuple[object, ...]]]]:
        """A connection, and the rows that each of these first statements gave on it."""
        ...

    def give_back(self, connection: psycopg.Connection) -> None:
        """Roll back what is under way, and let others use the connection."""
        ...

    def outcome(self, transaction: str) -> str | None:
        """What became of a transaction: ``committed``, ``aborted``, or else if that cannot be told."""
        ...


@dataclass(slots=True)
class Transaction:
    """One transaction, committed unless its body raises. Errors of the driver's leave it typed.

    ``ahead`` is asked in the same round trip as ``begin``, since it will be wanted.
    """

    connections: Source
    begin: str
    """Statements, the last of which gives a writer the transaction's number. Empty: no transaction."""
    ahead: Sequence[Asked] = ()
    reading: bool = False
    waiting: bool = False
    """Each statement is waited for, so that an error comes with the statement that it is of."""
    _connection: psycopg.Connection | None = None
    _database: PostgresDatabase | None = None
    _number: object = ""

    def __enter__(self) -> PostgresDatabase:
        try:
            asked = [inlined(statement, values) for statement, values in self.ahead]
            statements = [self.begin, *asked] if self.begin else asked
            connection, found = self.connections.begin(";".join(statements))
            self._connection = connection
            begun, answers = found[: len(found) - len(asked)], found[len(found) - len(asked) :]
            self._number = begun[-1][0][0] if begun and begun[-1] else ""
            ahead = {sql: (values, rows) for (sql, values), rows in zip(self.ahead, answers, strict=True)}
            self._database = PostgresDatabase(
                connection, ahead, waiting=self.waiting, changing=not self.reading
            )
        except BaseException as error:
            self._end()
            self.explain(error)
            raise
        return self._database

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._commit()
        except psycopg.Error as failed:
            self.explain(failed)
        finally:
            self._end()
        self.explain(error)

    def _commit(self) -> None:
        """Commit. Where the connection is lost meanwhile, the server is asked what became of it.

        What was only read has been read.
        """
        database = self._database
        if database is None:
            return
        try:
            if self.begin:
                database.commit()
        except psycopg.OperationalError:
            if not database.connection.closed or not (self.reading or self._has_committed()):
                raise

    def _end(self) -> None:
        """Give the connection back. What is still under way there is rolled back."""
        connection, self._connection = self._connection, None
        self._database = None
        if connection is not None:
            self.connections.give_back(connection)

    def _has_committed(self) -> bool:
        trouble: psycopg.Error | None = None
        try:
            outcome = self.connections.outcome(str(self._number))
        except psycopg.Error as error:
            outcome, trouble = None, error
        if outcome in ("committed", "aborted"):
            return outcome == "committed"
        raise ArchiveUnavailable(
            f"{self.connections.address.place}: the connection was lost during the commit, and the server "
            "cannot say what became of it: what was written may be there or not; read it again"
        ) from trouble

    def explain(self, error: BaseException | None) -> None:
        """Raise the typed error for ``error``, if there is a better one."""
        better = typed(error, self.connections.address.place, reading=self.reading)
        if better is not None:
            raise better from error


class SharedTransaction(ExitStack):
    """A transaction for all that reads within it, begun by the first."""

    def __init__(self) -> None:
        super().__init__()
        self._database: PostgresDatabase | None = None

    @contextmanager
    def joined(self, reading: Transaction) -> Generator[PostgresDatabase]:
        """What ``reading`` would give, of the transaction that is under way."""
        if self._database is None:
            self._database = self.enter_context(reading)
        try:
            yield self._database
        except Exception as error:
            reading.explain(error)
            raise
