"""`SQLArchive`: what every archive in a relational database does, whatever database that is."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

from context_compaction.archive.base import Forks
from context_compaction.archive.records import (
    AppendBatch,
    Branch,
    BranchState,
    Commit,
    Extent,
    Forgotten,
    Fork,
    MessageSize,
    OutlineRow,
    Problem,
    Pruned,
    SearchPool,
    StoredMessage,
    Tip,
    Upto,
)
from context_compaction.archive.retention import Retention
from context_compaction.archive.sql import (
    branches,
    finding,
    forgetting,
    forks,
    log,
    pruning,
    search,
    transfer,
    verifying,
    views,
)
from context_compaction.archive.sql.database import Database
from context_compaction.archive.sql.keeping_vectors import VectorKeeper
from context_compaction.archive.sql.over_sessions import SessionSearcher
from context_compaction.archive.sql.retaining import Retaining
from context_compaction.archive.sql.spans import FOREVER, spans_of
from context_compaction.events import CompactionEvent
from context_compaction.text.periods import Period
from context_compaction.view import Pin, Range, SummaryRecord, View


class SQLArchive(SessionSearcher, VectorKeeper):
    """An archive whose backend says how a transaction begins, and what its search index knows."""

    def __init__(self, retention: Retention | None = None) -> None:
        super().__init__()
        self._retaining = None if retention is None else Retaining(self._alone, retention)

    @abstractmethod
    def _starting(self, namespace: str, session_id: str) -> AbstractContextManager[Database]:
        """A transaction that is the only one to start this session."""

    @abstractmethod
    def _alone(self) -> AbstractContextManager[Database]:
        """A transaction that is the only one writing."""

    def _importing(self) -> AbstractContextManager[Database]:
        """A transaction that writes sessions which nobody else knows; errors come at their statement."""
        return self._alone()

    @abstractmethod
    def _scope(self, connection: Database, branch: int, bounds: finding.Bounds) -> finding.Scope:
        """The search index, within these bounds of what a branch sees."""

    def _forget_vectors(self) -> None:
        """Let go of all vectors in memory."""
        self._matrices.clear()
        self._namespace_matrices.clear()

    def open_session(self, namespace: str, session_id: str) -> BranchState:
        """Flat in the length of the log: what it reads is indexed by what is still open."""
        with self._reading() as connection:
            branch = branches.open_branch(connection, namespace, session_id)
            if branch is not None:
                return branches.read_state(connection, branch)
        with self._starting(namespace, session_id) as connection:
            return branches.read_state(connection, branches.start_session(connection, namespace, session_id))

    def state(self, branch: int) -> BranchState:
        """As flat as `open_session`."""
        with self._reading(branch) as connection:
            return branches.read_state(connection, branch)

    def sessions(self, namespace: str | None = None) -> list[tuple[str, str]]:
        """In the order they began."""
        with self._reading() as connection:
            return branches.sessions(connection, namespace)

    def active(self, namespace: str, session_id: str) -> int | None:
        """One statement."""
        with self._reading() as connection:
            return branches.open_branch(connection, namespace, session_id)

    def branches(self, branch: int) -> list[Branch]:
        """In the order they began."""
        with self._reading(branch) as connection:
            return branches.of_session(connection, branch)

    def fork(self, branch: int, fork: Fork) -> int:
        """One transaction; no message is copied."""
        with self._writing(branch) as connection:
            return forks.fork(connection, branch, fork)

    def activate(self, branch: int) -> None:
        """One row."""
        with self._writing(branch) as connection:
            branches.activate(connection, branch)

    def append(self, branch: int, batch: AppendBatch) -> None:
        """One transaction for rows, media, calls, pins and index. `DuplicateMessage` for an id of the log."""
        rows = log.prepare(batch.rows)
        entries = [search.message_entry(row) for row in rows]
        with self._writing(branch) as connection:
            terms = sum(entry.length for entry in entries)
            namespace = log.append(connection, branch, batch, rows, terms)
            branches.add_pins(connection, branch, batch.pins)
            search.index_messages(connection, branch, namespace, rows, entries)
        if self._retaining is not None:
            self._retaining.run_if_due()

    def find_ids(self, branch: int, ids: Iterable[str]) -> dict[str, tuple[int, bytes]]:
        """One indexed look-up for all ids together."""
        with self._reading(branch) as connection:
            return log.find_ids(connection, spans_of(connection, branch), ids)

    def messages(self, branch: int, ranges: Sequence[Range] | None = None) -> list[StoredMessage]:
        """Each message once, however the ranges overlap."""
        with self._reading(branch) as connection:
            return log.read(
                connection, spans_of(connection, branch), [(1, FOREVER)] if ranges is None else ranges
            )

    def outline(self, branch: int, after: int = 0) -> list[OutlineRow]:
        """Read past the payloads, whatever their size."""
        with self._reading(branch) as connection:
            return log.outline(connection, spans_of(connection, branch), after)

    def tip(self, branch: int) -> Tip:
        """One statement, two index look-ups."""
        with self._reading(branch) as connection:
            return branches.tip(connection, branch)

    def totals(self, branch: int) -> tuple[int, int]:
        """One pass over the branch's rows, their payloads untouched."""
        with self._reading(branch) as connection:
            return log.totals(connection, spans_of(connection, branch))

    def sizes(self, branch: int) -> list[MessageSize]:
        """One pass over the branch's rows, their payloads untouched."""
        with self._reading(branch) as connection:
            return log.sizes(connection, spans_of(connection, branch))

    def extents(self, branch: int, ranges: Sequence[Range]) -> list[Extent]:
        """One pass over the rows of each range."""
        with self._reading(branch) as connection:
            spans = spans_of(connection, branch)
            return [log.extent(connection, spans, found) for found in ranges]

    def said_within(self, branch: int, since: float | None, until: float | None) -> list[Range]:
        """One pass over the times of the branch."""
        with self._reading(branch) as connection:
            return finding.said_within(connection, spans_of(connection, branch), since, until)

    def summaries(self, branch: int, ids: Iterable[int] | None = None) -> dict[int, SummaryRecord]:
        """With their lineage."""
        with self._reading(branch) as connection:
            return views.read_summaries(connection, spans_of(connection, branch), ids)

    def view(self, branch: int, version: int) -> View:
        """Every version is kept."""
        with self._reading(branch) as connection:
            return views.read_view(connection, spans_of(connection, branch), version)

    def commit(self, branch: int, commit: Commit) -> None:
        """The compare-and-set is an UPDATE that names the base version."""
        with self._writing(branch) as connection:
            views.write_commit(connection, branch, commit)
            if commit.summaries:
                search.index_summaries(connection, branch, commit.summaries)
        if self._retaining is not None:
            self._retaining.run_if_due()

    def note(self, branch: int, state: Mapping[str, Any], event: CompactionEvent | None = None) -> None:
        """The notes replace the earlier ones."""
        with self._writing(branch) as connection:
            branches.write_state(connection, branch, state)
            if event is not None:
                views.add_event(connection, branch, event)

    def pin(self, branch: int, *pins: Pin) -> None:
        """Pins keep the order in which they were set."""
        with self._writing(branch) as connection:
            spans_of(connection, branch)
            branches.add_pins(connection, branch, pins)

    def unpin(self, branch: int, ref: str, state: Mapping[str, Any] | None = None) -> None:
        """One transaction. That there is none is no error."""
        with self._writing(branch) as connection:
            connection.execute(branches.REMOVE_PINS, (branch, ref))
            if state is not None:
                branches.write_state(connection, branch, state)

    def events(self, branch: int) -> list[CompactionEvent]:
        """Committed or not."""
        with self._reading(branch) as connection:
            return views.read_events(connection, spans_of(connection, branch))

    def search(
        self,
        branch: int,
        terms: Sequence[str],
        limit: int = 300,
        *,
        periods: Sequence[Period] = (),
        ranges: Sequence[Range] | None = None,
        upto: Upto | None = None,
    ) -> SearchPool:
        """The database finds candidates; its own scores are not used."""
        with self._reading(branch) as connection:
            bounds = finding.bounds_of(connection, spans_of(connection, branch), ranges, upto)
            scope = self._scope(connection, branch, bounds)
            return finding.find(scope, terms, periods, limit)

    def sittings(self, branch: int, seqs: Collection[int]) -> dict[int, int]:
        """One statement for each log that the branch sees."""
        with self._reading(branch) as connection:
            return finding.sittings(connection, spans_of(connection, branch), seqs)

    def prune(
        self,
        max_age: timedelta | float | None = None,
        max_bytes: int | None = None,
        *,
        uncovered: bool = False,
    ) -> Pruned:
        """A transaction for each 2,000 messages, so that others need not wait for all of them."""
        pruned = pruning.prune(self._alone, max_age, max_bytes, uncovered=uncovered)
        self._forget_vectors()
        return pruned

    def forget(self, session_id: str, namespace: str = "default", *, forks: Forks = "raise") -> Forgotten:
        """One transaction."""
        with self._alone() as connection:
            forgotten = forgetting.forget(connection, session_id, namespace, forks)
        self._forget_vectors()
        return forgotten

    def verify(self, session_id: str | None = None, namespace: str = "default") -> list[Problem]:
        """In one read transaction."""
        with self._surveying() as connection:
            return verifying.verify(connection, session_id, namespace)

    def export(self, path: str | os.PathLike[str]) -> int:
        """Streamed from one read transaction."""
        with self._surveying() as connection:
            return transfer.export(connection, path)

    def import_(self, path: str | os.PathLike[str]) -> int:
        """One transaction; the hash chain is checked before it commits."""
        with self._importing() as connection:
            return transfer.import_(connection, path)
