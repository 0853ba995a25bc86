"""Connections and transactions: one writer at a time, a connection a thread, none carried over a fork.

A memory database lives in its connection, so there all threads share one, under the writer lock. (SQLite's
shared cache would give each thread its own, but answers "table is locked" instead of waiting.)
"""

from __future__ import annotations

import os
import sqlite3
import threading
import weakref
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Literal

from context_compaction.archive.sql.faults import closed
from context_compaction.archive.sqlite.database import SQLiteDatabase
from context_compaction.archive.sqlite.faults import SQLiteTrouble, translated, typed
from context_compaction.archive.sqlite.opening import MEMORY, connect, prepare, set_up
from context_compaction.errors import ArchiveUnavailable

Begin = Literal["", "BEGIN", "BEGIN IMMEDIATE"]
FileId = tuple[int, int]
"""Device and inode: stays with a file, not with its name."""


class Connections:
    """The connections of one archive. `reading` and `writing` are context managers: one transaction each."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        text = os.fspath(path)
        self.place = text if text == MEMORY else str(Path(text).absolute())
        """Absolute path of the file, or ``:memory:``."""
        self.in_memory = self.place == MEMORY
        self.lock = threading.RLock()
        self._closed = False
        self._local = threading.local()
        self._owned: weakref.WeakSet[_Owned] = weakref.WeakSet()
        self._shared: _Owned | None = None
        self._path = Path(self.place)
        self._file: FileId | None = None
        if not self.in_memory:
            prepare(self._path)
            self._file = _file_id(self._path)  # before it is opened: what takes its place then is noticed
        self._open_first()
        _follow_forks(self)

    def reading(self) -> Transaction:
        """A transaction that sees one state of the archive throughout."""
        return Transaction(self, "BEGIN", self.lock if self.in_memory else None)

    def glancing(self) -> Transaction:
        """For one statement that reads: it is its own transaction."""
        return Transaction(self, "", self.lock if self.in_memory else None)

    def writing(self) -> Transaction:
        """A transaction that is the only one writing; committed unless its body raises."""
        return Transaction(self, "BEGIN IMMEDIATE", self.lock)

    def get(self) -> SQLiteDatabase:
        """This thread's connection, opened if need be. Raises `ArchiveUnavailable` after `close`."""
        return self.owned().connection

    def owned(self) -> _Owned:
        """The holder of `get`'s connection."""
        if self._closed:
            raise closed(self.place)
        owned: _Owned | None = self._shared or getattr(self._local, "owned", None)
        if owned is None:
            owned = self._own(connect(self.place))
            self.check_place()
            self._local.owned = owned
        return owned

    def check_place(self) -> None:
        """Raise `ArchiveUnavailable` if the path is no longer the file that was opened.

        On POSIX a deleted file can be written until it is closed, and then nothing of that is anywhere.
        """
        if self._file is not None and _file_id(self._path) != self._file:
            raise ArchiveUnavailable(
                f"{self.place}: the file was deleted, replaced or put out of reach while it was open, and "
                "what is written now would be lost with it; put it back and open the archive again"
            )

    def close(self) -> None:
        """Close every connection, each when the transaction is over that a thread is in the middle of."""
        with self.lock:
            self._closed = True
            for owned in list(self._owned):
                owned.close()

    def abandon(self) -> None:
        """In a forked child: forget connections and lock of the parent without touching its file.

        Closing them would run SQLite's last-connection clean-up on a file that the parent still uses.
        """
        self.lock = threading.RLock()
        if not self.in_memory:
            for owned in list(self._owned):
                owned.abandon()
            self._owned = weakref.WeakSet()
            self._local = threading.local()

    def _open_first(self) -> None:
        try:
            connection = connect(self.place)
            owned = self._own(connection)
            try:
                set_up(connection, self.place)
            except BaseException:
                owned.close()
                raise
        except SQLiteTrouble as error:
            raise translated(error, self.place) from error
        if self.in_memory:
            self._shared = owned
        else:
            self._local.owned = owned

    def _own(self, connection: SQLiteDatabase) -> _Owned:
        owned = _Owned(connection)
        self._owned.add(owned)
        return owned


class Transaction:
    """One transaction on this thread's connection. What SQLite or a damaged row raises leaves it typed."""

    __slots__ = ("_begin", "_connection", "_connections", "_lock", "_owned")

    def __init__(self, connections: Connections, begin: Begin, lock: threading.RLock | None) -> None:
        self._connections = connections
        self._begin = begin
        self._lock = lock
        self._connection: SQLiteDatabase | None = None
        self._owned: _Owned | None = None

    def __enter__(self) -> SQLiteDatabase:
        if self._lock is not None:
            self._lock.acquire()
        try:
            owned = self._connections.owned()
            owned.lock.acquire()
            self._owned = owned
            self._connection = connection = owned.connection
            if self._begin:
                connection.execute(self._begin)
            return connection
        except BaseException as error:
            self._end()
            self._explain(error)
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None and self._begin and self._connection is not None:
                writing = self._begin == "BEGIN IMMEDIATE"
                if writing:
                    self._connections.check_place()  # first: what is refused is not there when it is put back
                self._connection.execute("COMMIT")
                if writing:
                    self._connections.check_place()  # last: what is acknowledged is in the file at the path
        except sqlite3.Error as failed:
            self._explain(failed)
        finally:
            self._end()
        self._explain(error)

    def _explain(self, error: BaseException | None) -> None:
        """Raise the typed error for ``error``, if there is a better one."""
        better = typed(error, self._connections.place, reading=self._begin != "BEGIN IMMEDIATE")
        if better is not None:
            raise better from error

    def _end(self) -> None:
        try:
            if self._begin and self._connection is not None and self._connection.in_transaction:
                self._connection.rollback()
        except sqlite3.Error:
            # Already rolled back by SQLite (full disk, I/O error), or closed by another thread.
            pass
        finally:
            if self._owned is not None:
                self._owned.lock.release()
            if self._lock is not None:
                self._lock.release()


def _file_id(path: Path) -> FileId | None:
    """None when there is no such file, or none that can be reached."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


class _Owned:
    """Closes its connection when the thread that it belongs to ends."""

    __slots__ = ("__weakref__", "_abandoned", "connection", "lock")

    def __init__(self, connection: SQLiteDatabase) -> None:
        self.connection = connection
        self.lock = threading.RLock()
        """Held in a transaction: to close a connection under another thread's statement crashes sqlite3."""
        self._abandoned = False

    def close(self) -> None:
        if not self._abandoned:
            with self.lock:
                self.connection.close()

    def abandon(self) -> None:
        """Leave the connection open for good, beyond the end of the interpreter."""
        self._abandoned = True
        _never_free(self.connection)

    def __del__(self) -> None:
        self.close()


_FOLLOWED: weakref.WeakSet[Connections] = weakref.WeakSet()
_HELD: list[threading.RLock] = []


def _follow_forks(connections: Connections) -> None:
    """No fork happens while a write is under way, and a child starts with connections of its own."""
    _register()
    _FOLLOWED.add(connections)


@cache
def _register() -> None:
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_in_child)


def _before_fork() -> None:
    for connections in list(_FOLLOWED):
        lock = connections.lock
        lock.acquire()
        _HELD.append(lock)


def _after_fork() -> None:
    while _HELD:
        _HELD.pop().release()


def _in_child() -> None:
    _HELD.clear()
    for connections in list(_FOLLOWED):
        connections.abandon()


def _never_free(connection: sqlite3.Connection) -> None:
    import ctypes

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))
