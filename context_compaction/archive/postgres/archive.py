"""`PostgresArchive`: an archive that many processes and machines share, a schema of a database."""

from __future__ import annotations

import os
from collections.abc import Hashable
from contextlib import AbstractContextManager

from context_compaction.archive.base import Forks
from context_compaction.archive.over_sessions import Moment, Within
from context_compaction.archive.postgres import backups, erasing
from context_compaction.archive.postgres.connection import Connections
from context_compaction.archive.postgres.crossing import SchemaCrossing
from context_compaction.archive.postgres.finding import SchemaScope
from context_compaction.archive.postgres.opening import parsed, set_up
from context_compaction.archive.records import Forgotten, Tip
from context_compaction.archive.retention import Retention
from context_compaction.archive.sql import branches
from context_compaction.archive.sql.archive import SQLArchive
from context_compaction.archive.sql.database import Database
from context_compaction.archive.sql.finding import Bounds


class PostgresArchive(SQLArchive):
    """An archive in one schema of a PostgreSQL database (14 or later), made if it is not there.

    ``address`` is ``postgresql://user:password@host:port/database``, with libpq's parameters, and two of
    ours: ``schema`` (default ``context_compaction``) and ``pool_size``, how many connections one process
    uses at most (default 10). Given by keyword, they go before those of the address.
    Any number of threads, processes and machines may use one schema. Sessions are written side by side; who
    writes to the same one waits up to 5 s, as for a connection of the pool. With a ``retention`` old messages
    are pruned now and then at the end of an append or commit; without one everything is kept.

    Raises `ArchiveUnavailable`, `ArchiveCorrupt` (a schema with other tables: left as it is) or
    `ArchiveTooNew`. Use it as a context manager, or call `close`.
    """

    def __init__(
        self,
        address: str,
        retention: Retention | None = None,
        *,
        schema: str | None = None,
        pool_size: int | None = None,
    ) -> None:
        self._address = parsed(address, schema, pool_size)
        self._name = set_up(self._address)
        self._connections = Connections(self._address)
        super().__init__(retention)

    @property
    def place(self) -> str:
        """The address without user and password."""
        return self._address.place

    @property
    def identity(self) -> Hashable:
        """The schema, by whatever address it was reached."""
        return "postgresql", self._name

    def __repr__(self) -> str:
        return f"PostgresArchive({self.place!r})"

    def forget(self, session_id: str, namespace: str = "default", *, forks: Forks = "raise") -> Forgotten:
        """One transaction; then the tables are vacuumed, so that rows and index entries are gone from them.

        What the server keeps besides (write-ahead log, replicas, backups) is with whoever runs it.
        """
        forgotten = super().forget(session_id, namespace, forks=forks)
        if forgotten.sessions:
            erasing.vacuum(self._address)
        return forgotten

    def backup(self, path: str | os.PathLike[str]) -> None:
        """An SQLite archive, made of an export: it opens without a server. `import_` takes an export back."""
        backups.backup(self.export, path)

    def close(self) -> None:
        """The connections of this process."""
        self._forget_vectors()
        self._connections.close()

    def at_once(self) -> AbstractContextManager[object]:
        """One transaction, begun by the first read."""
        return self._connections.sharing()

    def tip(self, branch: int) -> Tip:
        """One round trip."""
        with self._connections.glancing(branch) as connection:
            return branches.tip(connection, branch)

    def _reading(self, branch: int = 0) -> AbstractContextManager[Database]:
        return self._connections.reading(branch)

    def _surveying(self) -> AbstractContextManager[Database]:
        return self._connections.surveying()

    def _writing(self, branch: int) -> AbstractContextManager[Database]:
        return self._connections.writing(branch)

    def _starting(self, namespace: str, session_id: str) -> AbstractContextManager[Database]:
        return self._connections.starting(namespace, session_id)

    def _alone(self) -> AbstractContextManager[Database]:
        return self._connections.alone()

    def _importing(self) -> AbstractContextManager[Database]:
        return self._connections.importing()

    def _scope(self, connection: Database, branch: int, bounds: Bounds) -> SchemaScope:
        return SchemaScope(connection, branch, bounds)

    def _crossing(
        self, connection: Database, namespace: int, moment: Moment, within: Within
    ) -> SchemaCrossing:
        return SchemaCrossing(connection, namespace, moment, within)
