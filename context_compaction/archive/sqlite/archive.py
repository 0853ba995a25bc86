"""`SQLiteArchive`: the embedded archive, a file or memory."""

from __future__ import annotations

import os
from collections.abc import Hashable
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path

from context_compaction.archive.base import Forks
from context_compaction.archive.over_sessions import Moment, Within
from context_compaction.archive.records import Forgotten, Problem, Pruned, Tip
from context_compaction.archive.retention import Retention
from context_compaction.archive.sql import branches, transfer, verifying
from context_compaction.archive.sql.archive import SQLArchive
from context_compaction.archive.sql.database import Database
from context_compaction.archive.sql.finding import Bounds
from context_compaction.archive.sqlite import backups, checking_file, erasing, forgetting
from context_compaction.archive.sqlite.connection import Connections
from context_compaction.archive.sqlite.crossing import FileCrossing
from context_compaction.archive.sqlite.finding import FileScope
from context_compaction.archive.sqlite.opening import MEMORY
from context_compaction.archive.sqlite.trailing import trailing

CHECKS = (checking_file.check_file, checking_file.check_references, checking_file.check_terms)


class SQLiteArchive(SQLArchive):
    """An archive in one SQLite file (mode 0600, WAL, every write on disk before it returns), or in memory.

    ``path`` is a file, made if it is not there, or ``:memory:``, which is gone when the archive is closed.
    Any number of threads and processes may use one file; a write waits up to 5 s for another process's.
    With a ``retention`` old messages are pruned now and then at the end of an append or commit; without
    one everything is kept.

    Raises `ArchiveUnavailable`, `ArchiveCorrupt` (not a database, or not ours: left as it is) or
    `ArchiveTooNew`. Use it as a context manager, or call `close`.
    """

    def __init__(self, path: str | os.PathLike[str] = MEMORY, retention: Retention | None = None) -> None:
        self._connections = Connections(path)
        super().__init__(retention)

    @property
    def path(self) -> str:
        """Absolute path of the file, or ``:memory:``."""
        return self._connections.place

    @property
    def identity(self) -> Hashable:
        """The file, by whatever path it was opened."""
        return id(self) if self.path == MEMORY else ("sqlite", str(Path(self.path).resolve()))

    def __repr__(self) -> str:
        return f"SQLiteArchive({self.path!r})"

    def prune(
        self,
        max_age: timedelta | float | None = None,
        max_bytes: int | None = None,
        *,
        uncovered: bool = False,
    ) -> Pruned:
        """As ever; the file is made smaller where much of it has become free."""
        pruned = super().prune(max_age, max_bytes, uncovered=uncovered)
        erasing.shrink(self._connections)
        return pruned

    def forget(self, session_id: str, namespace: str = "default", *, forks: Forks = "raise") -> Forgotten:
        """One transaction for the rows; then the file is written anew, so that no page keeps a copy.

        Should the process end in between, the next one to open the archive does the second part.
        """
        with self._connections.writing() as connection:
            forgotten = forgetting.forget(connection, session_id, namespace, forks)
        self._forget_vectors()
        erasing.erase(self._connections)
        return forgotten

    def verify(self, session_id: str | None = None, namespace: str = "default") -> list[Problem]:
        """Of everything: SQLite's own integrity check too."""
        with self._surveying() as connection:
            return verifying.verify(connection, session_id, namespace, CHECKS)

    def backup(self, path: str | os.PathLike[str]) -> None:
        """Written compact, without free pages; readers and writers go on meanwhile."""
        backups.backup(self._connections, path)

    def export(self, path: str | os.PathLike[str]) -> int:
        """Streamed from one read transaction."""
        with self._surveying() as connection:
            backups.refuse_export(connection, Path(path))
            return transfer.export(connection, path)

    def close(self) -> None:
        """Every thread's connection."""
        self._forget_vectors()
        self._connections.close()

    def tip(self, branch: int) -> Tip:
        """One statement, two index look-ups, without a transaction around it."""
        with self._connections.glancing() as connection:
            return branches.tip(connection, branch)

    def _reading(self, branch: int = 0) -> AbstractContextManager[Database]:  # noqa: ARG002 - the same
        return self._connections.reading()

    def _writing(self, branch: int) -> AbstractContextManager[Database]:  # noqa: ARG002 - one writer at a time
        return self._connections.writing()

    def _starting(self, namespace: str, session_id: str) -> AbstractContextManager[Database]:  # noqa: ARG002 - the same
        return self._connections.writing()

    def _alone(self) -> AbstractContextManager[Database]:
        return self._connections.writing()

    def _scope(self, connection: Database, branch: int, bounds: Bounds) -> FileScope:
        return FileScope(connection, branch, bounds, trailing(connection))

    def _crossing(self, connection: Database, namespace: int, moment: Moment, within: Within) -> FileCrossing:
        return FileCrossing(connection, namespace, moment, within, trailing(connection))
