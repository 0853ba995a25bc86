"""`SQLiteArchive`: the embedded archive, a file or memory."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from context_compaction.archive.base import (
    AppendBatch,
    Archive,
    BranchState,
    Commit,
    SearchPool,
    StoredMessage,
)
from context_compaction.archive.sqlite import branches, log, search, views
from context_compaction.archive.sqlite.connection import Connections
from context_compaction.archive.sqlite.opening import MEMORY
from context_compaction.archive.sqlite.spans import FOREVER, spans_of
from context_compaction.events import CompactionEvent
from context_compaction.messages import Message
from context_compaction.view import Pin, Range, SummaryRecord, View


class SQLiteArchive(Archive):
    """An archive in one SQLite file (mode 0600, WAL, every write on disk before it returns), or in memory.

    ``path`` is a file, made if it is not there, or ``:memory:``, which is gone when the archive is closed.
    Any number of threads and processes may use one file; a write waits up to 5 s for another process's.

    Raises `ArchiveUnavailable`, `ArchiveCorrupt` (not a database, or not ours: left as it is) or
    `ArchiveTooNew`. Use it as a context manager, or call `close`.
    """

    def __init__(self, path: str | os.PathLike[str] = MEMORY) -> None:
        self._connections = Connections(path)

    @property
    def path(self) -> str:
        """Absolute path of the file, or ``:memory:``."""
        return self._connections.place

    def __repr__(self) -> str:
        return f"SQLiteArchive({self.path!r})"

    def open_session(self, namespace: str, session_id: str) -> BranchState:
        """Flat in the length of the log: what it reads is indexed by what is still open."""
        with self._connections.reading() as connection:
            branch = branches.open_branch(connection, namespace, session_id)
            if branch is not None:
                return branches.read_state(connection, branch)
        with self._connections.writing() as connection:
            return branches.read_state(connection, branches.start_session(connection, namespace, session_id))

    def append(self, branch: int, batch: AppendBatch) -> None:
        """One transaction for rows, media, calls and index. `DuplicateMessage` for an id of the log."""
        rows = log.prepare(batch.rows)
        entries = [search.message_entry(row) for row in rows]
        with self._connections.writing() as connection:
            spans = spans_of(connection, branch)
            log.append(connection, branch, batch, rows)
            search.index_messages(connection, branch, rows, entries, spans)

    def find_ids(self, branch: int, ids: Iterable[str]) -> dict[str, tuple[int, Message]]:
        """One indexed look-up for all ids together."""
        with self._connections.reading() as connection:
            return log.find_ids(connection, spans_of(connection, branch), ids)

    def messages(self, branch: int, ranges: Sequence[Range] | None = None) -> list[StoredMessage]:
        """Each message once, however the ranges overlap."""
        with self._connections.reading() as connection:
            return log.read(
                connection, spans_of(connection, branch), [(1, FOREVER)] if ranges is None else ranges
            )

    def tip(self, branch: int) -> tuple[int, int]:
        """One statement, two index look-ups."""
        with self._connections.reading() as connection:
            return branches.tip(connection, branch)

    def totals(self, branch: int) -> tuple[int, int]:
        """One pass over the branch's rows, their payloads untouched."""
        with self._connections.reading() as connection:
            return log.totals(connection, spans_of(connection, branch))

    def summaries(self, branch: int, ids: Iterable[int] | None = None) -> dict[int, SummaryRecord]:
        """With their lineage."""
        with self._connections.reading() as connection:
            return views.read_summaries(connection, spans_of(connection, branch), ids)

    def view(self, branch: int, version: int) -> View:
        """Every version is kept."""
        with self._connections.reading() as connection:
            spans_of(connection, branch)
            return views.read_view(connection, branch, version)

    def commit(self, branch: int, commit: Commit) -> None:
        """The compare-and-set is an UPDATE that names the base version."""
        with self._connections.writing() as connection:
            views.write_commit(connection, branch, commit)
            if commit.summaries:
                search.index_summaries(connection, branch, commit.summaries)

    def note(self, branch: int, state: Mapping[str, Any], event: CompactionEvent | None = None) -> None:
        """The notes replace the earlier ones."""
        with self._connections.writing() as connection:
            branches.write_state(connection, branch, state)
            if event is not None:
                views.add_event(connection, branch, event)

    def pin(self, branch: int, pin: Pin) -> None:
        """Pins keep the order in which they were set."""
        with self._connections.writing() as connection:
            spans_of(connection, branch)
            branches.add_pin(connection, branch, pin)

    def unpin(self, branch: int, ref: str) -> None:
        """Nothing happens if there is none."""
        with self._connections.writing() as connection:
            connection.execute(branches.REMOVE_PINS, (branch, ref))

    def events(self, branch: int) -> list[CompactionEvent]:
        """Committed or not."""
        with self._connections.reading() as connection:
            return views.read_events(connection, spans_of(connection, branch))

    def search(self, branch: int, terms: Sequence[str], limit: int = 5000) -> SearchPool:
        """FTS5 finds the candidates; its own scores are not used."""
        with self._connections.reading() as connection:
            return search.find(connection, branch, spans_of(connection, branch), terms, limit)

    def close(self) -> None:
        """Every thread's connection."""
        self._connections.close()
