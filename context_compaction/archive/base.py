"""The contract of an archive: log, views, summaries with lineage, pins, compactions, and a search index.

An archive stores and finds; it decides nothing. Sessions place messages, plan views and rank hits, and
hand over finished rows. Every write is one transaction: after an error nothing of it is there.
All methods are thread-safe and raise only `ArchiveError` and its kinds (and `append` `DuplicateMessage`).

Logs are kept by *branch*: a session starts with one branch, and a fork adds one that shares its
ancestor's log up to the fork and keeps numbering. ``branch`` below is the archive's own number for it.
"""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from typing import Any, Literal, Self

from context_compaction.archive.over_sessions import OverSessions
from context_compaction.archive.records import (
    AppendBatch,
    Branch,
    BranchState,
    Commit,
    Extent,
    Forgotten,
    Fork,
    MessageSize,
    Near,
    OutlineRow,
    Problem,
    Pruned,
    SearchPool,
    StoredMessage,
    Tip,
    Upto,
    VectorModel,
)
from context_compaction.events import CompactionEvent
from context_compaction.text.periods import Period
from context_compaction.view import Pin, Range, SummaryRecord, View

Forks = Literal["raise", "detach", "cascade"]


class Archive(OverSessions):
    """See the module's docstring. `open_archive` makes one from a path or an address."""

    @property
    def identity(self) -> Hashable:
        """Equal for archives of one process that are the same data."""
        return id(self)

    @property
    def keeps_vectors(self) -> bool:
        """Whether `unembedded`, `add_vectors` and `nearest` are there; without them recall is lexical."""
        return False

    @abstractmethod
    def open_session(self, namespace: str, session_id: str) -> BranchState:
        """The active branch of a session; a new session starts with an empty one."""

    @abstractmethod
    def state(self, branch: int) -> BranchState:
        """One branch, active or not."""

    @abstractmethod
    def sessions(self, namespace: str | None = None) -> list[tuple[str, str]]:
        """Namespace and id of every session, or of those of one namespace, oldest first."""

    @abstractmethod
    def active(self, namespace: str, session_id: str) -> int | None:
        """The branch that a session is on; None if there is no such session. None is begun by asking."""

    @abstractmethod
    def branches(self, branch: int) -> list[Branch]:
        """All branches of the session that ``branch`` belongs to, oldest first."""

    @abstractmethod
    def fork(self, branch: int, fork: Fork) -> int:
        """A new branch that shares what ``branch`` sees up to ``fork.at``, with pins and pending calls.

        Raises `SessionExists` when ``fork.session_id`` is taken, `StaleView` when the log ends before.
        """

    @abstractmethod
    def activate(self, branch: int) -> None:
        """Make it the branch that its session goes on with."""

    @abstractmethod
    def append(self, branch: int, batch: AppendBatch) -> None:
        """Add rows to the log, their index entries, pins and call changes; durable on return."""

    @abstractmethod
    def find_ids(self, branch: int, ids: Iterable[str]) -> dict[str, tuple[int, bytes]]:
        """Which of these message ids the log has: number and `content_digest` by id."""

    @abstractmethod
    def messages(self, branch: int, ranges: Sequence[Range] | None = None) -> list[StoredMessage]:
        """The log, or these ranges of it, in order. Pruned ones are there as tombstones."""

    @abstractmethod
    def outline(self, branch: int, after: int = 0) -> list[OutlineRow]:
        """The log behind message ``after`` without its text, in order."""

    @abstractmethod
    def tip(self, branch: int) -> Tip:
        """Where the branch stands: whether another writer was here. Cheap."""

    @abstractmethod
    def totals(self, branch: int) -> tuple[int, int]:
        """How many messages the log has, and their tokens as they were counted at append."""

    def sizes(self, branch: int) -> list[MessageSize]:
        """The log without what it says, in order. A backend that can leaves the texts unread."""
        return [MessageSize(row.tokens, row.pruned) for row in self.messages(branch)]

    @abstractmethod
    def extents(self, branch: int, ranges: Sequence[Range]) -> list[Extent]:
        """What each of these ranges holds, in their order, without reading a message."""

    @abstractmethod
    def said_within(self, branch: int, since: float | None, until: float | None) -> list[Range]:
        """The numbers of the messages said from ``since`` until before ``until`` (epoch seconds), ascending.

        One without a time is of that of the message before it. Pruned ones are not there.
        """

    @abstractmethod
    def summaries(self, branch: int, ids: Iterable[int] | None = None) -> dict[int, SummaryRecord]:
        """All summaries ever committed on the branch, or these, by id."""

    @abstractmethod
    def view(self, branch: int, version: int) -> View:
        """One version of the branch's view, as it was committed; an empty one where there was none."""

    @abstractmethod
    def commit(self, branch: int, commit: Commit) -> None:
        """Summaries, lineage and view v+1 by compare-and-set on v, in one transaction.

        The view's pins, those that pinned themselves among them, are the view's own: `pin` adds others.

        Raises `StaleView`, too, when the session has gone on to another branch.
        """

    @abstractmethod
    def note(self, branch: int, state: Mapping[str, Any], event: CompactionEvent | None = None) -> None:
        """Keep the session's notes and, if given, the report of an attempt that committed nothing."""

    @abstractmethod
    def pin(self, branch: int, *pins: Pin) -> None:
        """Add pins, all or none; the same pin twice is one."""

    @abstractmethod
    def unpin(self, branch: int, ref: str, state: Mapping[str, Any] | None = None) -> None:
        """Take every pin on ``ref`` away, and keep the session's notes, if given, that tell of it."""

    @abstractmethod
    def events(self, branch: int) -> list[CompactionEvent]:
        """Every attempted compaction, oldest first."""

    @abstractmethod
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
        """What one branch (with its ancestors up to the fork) has of any of ``terms`` or of ``periods``.

        ``terms`` are analysed (`context_compaction.text.terms`). Of more than ``limit`` documents, those with
        the rarest terms and of the rarest periods are taken, and where these leave room the newest with the
        next one. Frequencies are those of all. ``ranges``: only messages of these numbers, and summaries
        that begin there, are taken, and all is counted as ever. ``upto``: the answer that the branch gave
        at that moment, whatever came since, but for what was pruned.
        """

    @abstractmethod
    def sittings(self, branch: int, seqs: Collection[int]) -> dict[int, int]:
        """The sitting of each of these messages that can be found; pruned ones are not there."""

    def unembedded(
        self, branch: int, model: VectorModel, limit: int = 1000, *, after: tuple[int, int] = (0, 0)
    ) -> list[str]:
        """References of what ``branch`` sees without a vector of ``model``; messages first, in order.

        Only messages behind number ``after[0]``, and summaries behind ``after[1]``. What was pruned is not
        there.
        """
        raise NotImplementedError

    def add_vectors(
        self, branch: int, model: VectorModel, made: Mapping[str, Sequence[float] | None]
    ) -> None:
        """Keep vectors of messages and summaries that ``branch`` sees, by reference; durable on return.

        None: there is nothing in it that could be embedded. What has one of ``model`` keeps it; what is not
        there any more is left out. A log keeps vectors of two models, so that workers with an old and a new
        one do not embed against each other: the older go when a third comes.
        """
        raise NotImplementedError

    def nearest(
        self,
        branch: int,
        model: VectorModel,
        vector: Sequence[float],
        limit: int = 300,
        *,
        beside: Collection[int] = (),
    ) -> list[Near]:
        """The ``limit`` messages and summaries that ``branch`` sees nearest to ``vector``, nearest first.

        Then those of the messages ``beside`` that have a vector of ``model`` and are not among them.
        """
        raise NotImplementedError

    def at_once(self) -> AbstractContextManager[object]:
        """For several reads in a row: within it this thread sees one state, if that saves round trips."""
        return nullcontext()

    @abstractmethod
    def prune(
        self,
        max_age: timedelta | float | None = None,
        max_bytes: int | None = None,
        *,
        uncovered: bool = False,
    ) -> Pruned:
        """Let go of old messages: older than ``max_age`` (seconds), and the oldest above ``max_bytes``.

        Each leaves a tombstone. System messages, pinned ones and calls that wait for a result always stay.
        So does what a present view shows, and what no summary covers, unless ``uncovered`` is true: where a
        view shows what is gone there is a gap then. Bytes are those of messages and media as stored.
        """

    @abstractmethod
    def forget(self, session_id: str, namespace: str = "default", *, forks: Forks = "raise") -> Forgotten:
        """Erase a session with all its branches, also from index, write-ahead log and free space.

        With branches beside the active one, or sessions forked from it, `SessionHasForks` is raised.
        ``forks="detach"``: the forked sessions keep what they share, all else goes; ``"cascade"``: they go
        too. A session that is not there is nothing to do.
        """

    @abstractmethod
    def verify(self, session_id: str | None = None, namespace: str = "default") -> list[Problem]:
        """Check the hash chain and what hangs on it, of one session or of everything.

        Returns what is wrong; empty if all is well. ``namespace`` matters with ``session_id`` only.
        """

    @abstractmethod
    def backup(self, path: str | os.PathLike[str]) -> None:
        """Write a whole archive, as of one moment, to ``path`` while this one is in use.

        A file there is replaced once the new one is complete, and stays as it is after an error.
        """

    @abstractmethod
    def export(self, path: str | os.PathLike[str]) -> int:
        """Write everything, as of one moment, as JSON lines that any backend can import.

        A file there is replaced once the new one is complete. Returns the number of sessions.
        """

    @abstractmethod
    def import_(self, path: str | os.PathLike[str]) -> int:
        """Add the sessions of an export, all or none. One that is there already and equal is left alone.

        Returns how many were added.
        Raises `SessionExists` for one that differs, `ArchiveCorrupt` for a file that is not whole.
        """

    @abstractmethod
    def close(self) -> None:
        """Give back connections. Using the archive afterwards raises `ArchiveUnavailable`."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
