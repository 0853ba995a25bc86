"""Connections and transactions: a pool a process, and locks that keep writers of one session apart.

Whoever writes holds the archive's advisory lock together with all others who write, and the row of its
session for itself. What concerns the whole archive (a prune, a forget, an import, a migration) holds the
advisory lock alone. Both are taken with the BEGIN, in this order, so nobody waits in a circle; both are the
server's, and end with the connection of whoever held them.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from dataclasses import dataclass
from functools import cache, partial
from types import TracebackType

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from context_compaction.archive.postgres.database import PostgresDatabase
from context_compaction.archive.postgres.faults import typed
from context_compaction.archive.postgres.opening import STILL_SECONDS, Address, configure, connect
from context_compaction.archive.sql.faults import BUSY_SECONDS, closed
from context_compaction.errors import ArchiveUnavailable

READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
WRITE = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"  # each statement sees what was written before it
TOGETHER = f"""
{WRITE};
SET LOCAL idle_in_transaction_session_timeout = '{STILL_SECONDS:g}s';
SELECT pg_advisory_xact_lock_shared({{lock}});
{{own}};
SELECT pg_current_xact_id()::text
"""
ALONE = f"{WRITE}; SELECT pg_advisory_xact_lock({{lock}}); SELECT pg_current_xact_id()::text"
OWN_SESSION = """
SELECT 1 FROM sessions WHERE id = (SELECT session FROM branches WHERE id = {branch}) FOR NO KEY UPDATE
"""
OWN_NAME = "SELECT pg_advisory_xact_lock({number})"
OUTCOME = "SELECT pg_xact_status(%s::xid8)"
RECONNECT_SECONDS = 2.0
_PAUSE = 0.05
Pool = ConnectionPool[psycopg.Connection]


class Connections:
    """The connections of one archive. Each method but `close` and `abandon` begins one transaction."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._lock = threading.Lock()
        self._pool: Pool | None = None
        self._closed = False
        _follow_forks(self)

    def reading(self) -> Transaction:
        """A transaction that sees one state of the archive throughout."""
        return Transaction(self, READ, reading=True)

    def writing(self, branch: int) -> Transaction:
        """A transaction that is the only one writing to the session of ``branch``."""
        own = OWN_SESSION.format(branch=int(branch))
        return Transaction(self, TOGETHER.format(lock=self.address.lock, own=own))

    def starting(self, namespace: str, session_id: str) -> Transaction:
        """A transaction that is the only one to start this session."""
        own = OWN_NAME.format(number=self.address.lock_of(namespace, session_id))
        return Transaction(self, TOGETHER.format(lock=self.address.lock, own=own))

    def alone(self) -> Transaction:
        """A transaction that is the only one writing."""
        return Transaction(self, ALONE.format(lock=self.address.lock))

    def begin(self, statement: str) -> tuple[psycopg.Connection, str]:
        """A connection with a transaction begun, and what its first statements gave last.

        Connections that the server has closed meanwhile are replaced: nothing was done by them yet.
        """
        for _ in range(self.address.pool_size + 1):
            connection = self._get()
            try:
                cursor = connection.execute(statement.encode()).set_result(-1)
                row = cursor.fetchone() if cursor.description else None
            except BaseException as error:
                lost = connection.closed and isinstance(error, psycopg.OperationalError)
                self.give_back(connection)
                if not lost:
                    raise
                connect(self.address).close()  # says at once if the server is not there
            else:
                return connection, row[0] if row else ""
        raise ArchiveUnavailable(f"{self.address.place}: the server closes every connection; try again later")

    def _get(self) -> psycopg.Connection:
        try:
            return self._opened().getconn(timeout=BUSY_SECONDS)
        except PoolTimeout:
            connect(self.address).close()  # says why there is none; if it does not, all are in use
            raise

    def give_back(self, connection: psycopg.Connection) -> None:
        """Roll back what is under way, and let others use the connection."""
        if not connection.closed and connection.info.transaction_status:
            try:
                connection.rollback()
            except psycopg.Error:
                connection.close()
        pool = self._pool
        if pool is None or pool.closed:
            connection.close()
        else:
            pool.putconn(connection)

    def outcome(self, transaction: str) -> str | None:
        """What became of a transaction: ``committed``, ``aborted``, or else if that cannot be told."""
        deadline = time.monotonic() + BUSY_SECONDS
        while True:
            with self._opened().connection(timeout=BUSY_SECONDS) as connection:
                row = connection.execute(OUTCOME, (transaction,)).fetchone()
            status = row[0] if row else None
            if status != "in progress" or time.monotonic() > deadline:
                return status
            time.sleep(_PAUSE)

    def close(self) -> None:
        """Close the pool. Connections in use are closed when they come back."""
        with self._lock:
            self._closed = True
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.close()

    def abandon(self) -> None:
        """In a forked child: forget the parent's pool without a word on its connections."""
        if self._pool is not None:
            _ABANDONED.append(self._pool)
        self._lock, self._pool = threading.Lock(), None

    def _opened(self) -> Pool:
        with self._lock:
            if self._closed:
                raise closed(self.address.place)
            if self._pool is None:
                self._pool = ConnectionPool(
                    self.address.conninfo,
                    kwargs={"autocommit": True, "connect_timeout": int(BUSY_SECONDS)},
                    configure=partial(configure, address=self.address),
                    min_size=0,
                    max_size=self.address.pool_size,
                    reconnect_timeout=RECONNECT_SECONDS,
                    num_workers=1,
                    open=True,
                )
            return self._pool


@dataclass(slots=True)
class Transaction:
    """One transaction, committed unless its body raises. Errors of the driver's leave it typed."""

    connections: Connections
    begin: str
    reading: bool = False
    _connection: psycopg.Connection | None = None
    _number: str = ""

    def __enter__(self) -> PostgresDatabase:
        try:
            self._connection, self._number = self.connections.begin(self.begin)
        except BaseException as error:
            self._explain(error)
            raise
        return PostgresDatabase(self._connection)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            if error is None:
                self._commit(connection)
        except psycopg.Error as failed:
            self._explain(failed)
        finally:
            self.connections.give_back(connection)
        self._explain(error)

    def _commit(self, connection: psycopg.Connection) -> None:
        """Commit. Where the connection is lost meanwhile, the server is asked what became of it.

        What was only read has been read.
        """
        try:
            connection.execute("COMMIT")
        except psycopg.OperationalError:
            if not connection.closed or not (self.reading or self._has_committed()):
                raise

    def _has_committed(self) -> bool:
        trouble: psycopg.Error | None = None
        try:
            outcome = self.connections.outcome(self._number)
        except psycopg.Error as error:
            outcome, trouble = None, error
        if outcome in ("committed", "aborted"):
            return outcome == "committed"
        raise ArchiveUnavailable(
            f"{self.connections.address.place}: the connection was lost during the commit, and the server "
            "cannot say what became of it: what was written may be there or not; read it again"
        ) from trouble

    def _explain(self, error: BaseException | None) -> None:
        """Raise the typed error for ``error``, if there is a better one."""
        better = typed(error, self.connections.address.place, reading=self.reading)
        if better is not None:
            raise better from error


_FOLLOWED: weakref.WeakSet[Connections] = weakref.WeakSet()
_ABANDONED: list[Pool] = []
"""Pools of a parent process: to free them would speak to the server on its connections."""


def _follow_forks(connections: Connections) -> None:
    """A child starts with connections of its own."""
    _register()
    _FOLLOWED.add(connections)


@cache
def _register() -> None:
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_in_child)


def _in_child() -> None:
    for connections in list(_FOLLOWED):
        connections.abandon()
