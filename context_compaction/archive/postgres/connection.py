"""Connections and transactions: a pool a process, and locks that keep writers of one session apart.

Whoever writes holds the archive's advisory lock together with all others who write, and the row of its
session for itself. What concerns the whole archive (a prune, a forget, a migration) holds the advisory lock
alone. An import holds it as a writer does, since it writes sessions that nobody else knows. It may take long:
so that nobody who wants the archive alone makes others wait in line meanwhile, those take turns with it by a
lock of their own. All are taken with the BEGIN, in this order, so nobody waits in a circle; all are the
server's, and end with the connection of whoever held them.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cache, partial
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from context_compaction.archive.postgres.database import PostgresDatabase
from context_compaction.archive.postgres.dialect import Asked
from context_compaction.archive.postgres.opening import STILL_SECONDS, Address, configure, connect
from context_compaction.archive.postgres.transaction import SharedTransaction, Transaction
from context_compaction.archive.sql.branches import READ_TIP
from context_compaction.archive.sql.faults import BUSY_SECONDS, closed
from context_compaction.archive.sql.log import END
from context_compaction.archive.sql.search import LAST_DOCUMENT
from context_compaction.archive.sql.spans import FOREVER, READ_SPANS
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
ALONE = f"""
{WRITE};
SELECT pg_advisory_xact_lock({{turn}});
SELECT pg_advisory_xact_lock({{lock}});
SELECT pg_current_xact_id()::text
"""
IMPORT = f"""
{WRITE};
SELECT pg_advisory_xact_lock({{turn}});
SELECT pg_advisory_xact_lock_shared({{lock}});
SELECT pg_current_xact_id()::text
"""
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
        self._local = threading.local()
        _follow_forks(self)

    def reading(self, branch: int = 0) -> AbstractContextManager[PostgresDatabase]:
        """A transaction that sees one state of the archive throughout, of ``branch`` above all."""
        ahead = [(READ_SPANS, (branch,))] if branch else []
        reading = Transaction(self, READ, ahead, reading=True)
        shared: SharedTransaction | None = getattr(self._local, "shared", None)
        return reading if shared is None else shared.joined(reading)

    @contextmanager
    def sharing(self) -> Generator[None]:
        """Within it, what this thread reads it reads in one transaction."""
        if getattr(self._local, "shared", None) is not None:
            yield
            return
        try:
            with SharedTransaction() as self._local.shared:
                yield
        finally:
            self._local.shared = None

    def surveying(self) -> Transaction:
        """One like `reading`, for what reads more than memory holds, and goes on where a statement fails."""
        return Transaction(self, READ, reading=True, waiting=True)

    def glancing(self, branch: int) -> Transaction:
        """What asks for the tip of ``branch`` alone: one statement is its own transaction."""
        return Transaction(self, "", [(READ_TIP, (branch,))], reading=True, waiting=True)

    def writing(self, branch: int) -> Transaction:
        """A transaction that is the only one writing to the session of ``branch``."""
        own = OWN_SESSION.format(branch=int(branch))
        ahead: list[Asked] = [(statement, (branch,)) for statement in (READ_SPANS, END)]
        ahead.append((LAST_DOCUMENT, (branch, FOREVER)))
        return Transaction(self, TOGETHER.format(lock=self.address.lock, own=own), ahead)

    def starting(self, namespace: str, session_id: str) -> Transaction:
        """A transaction that is the only one to start this session."""
        own = OWN_NAME.format(number=self.address.lock_of(namespace, session_id))
        return Transaction(self, TOGETHER.format(lock=self.address.lock, own=own))

    def alone(self) -> Transaction:
        """A transaction that is the only one writing."""
        return Transaction(self, ALONE.format(lock=self.address.lock, turn=self.address.turn))

    def importing(self) -> Transaction:
        """A transaction that writes sessions which nobody else knows, beside others that write."""
        begin = IMPORT.format(lock=self.address.lock, turn=self.address.turn)
        return Transaction(self, begin, waiting=True)

    def begin(self, statements: str) -> tuple[psycopg.Connection, list[Sequence[Any]]]:
        """A connection with a transaction begun, and the rows that each of these statements gave.

        Connections that the server has closed meanwhile are replaced: nothing was done by them yet.
        """
        for _ in range(self.address.pool_size + 1):
            connection = self._get()
            try:
                return connection, _all_rows(connection.execute(statements.encode()))
            except BaseException as error:
                lost = connection.closed and isinstance(error, psycopg.OperationalError)
                self.give_back(connection)
                if not lost:
                    raise
                connect(self.address).close()  # says at once if the server is not there
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


def _all_rows(cursor: psycopg.Cursor[Any]) -> list[Sequence[Any]]:
    found: list[Sequence[Any]] = []
    while True:
        found.append(cursor.fetchall() if cursor.description else ())
        if not cursor.nextset():
            return found


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
