"""The contract of an archive: log, views, summaries with lineage, pins, compactions, and a search index.

An archive stores and finds; it decides nothing. Sessions place messages, plan views and rank hits, and
hand over finished rows. Every write is one transaction: after an error nothing of it is there.
All methods are thread-safe and raise only `ArchiveError` and its kinds (and `append` `DuplicateMessage`).

Logs are kept by *branch*: a session starts with one branch, and a fork adds one that shares its
ancestor's log up to the fork and keeps numbering. ``branch`` below is the archive's own number for it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from context_compaction.events import CompactionEvent
from context_compaction.groups import Call, Kind
from context_compaction.messages import Message
from context_compaction.text.features import Features
from context_compaction.view import Pin, Range, SummaryRecord, View


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """One row of the log. ``hash`` chains it to the row before: H(previous hash, canonical JSON)."""

    seq: int
    message: Message
    group: int
    kind: Kind
    tokens: int
    counter: str
    """Name of the counter that ``tokens`` is by."""
    features: Features
    supersedes: int | None = None
    """A head system message that this one replaces in the view."""
    hash: str = ""
    """Set by the archive."""


@dataclass(frozen=True, slots=True)
class AppendBatch:
    """Messages for the end of a log, and what their coming changed about earlier calls."""

    after_seq: int
    """The last number of the log that the batch was made for; `StaleView` if it moved."""
    rows: tuple[StoredMessage, ...]
    opened: tuple[Call, ...] = ()
    closed: tuple[Call, ...] = ()
    """Calls that show a synthetic result from now on."""
    answered: tuple[tuple[Call, int], ...] = ()
    """Calls with the number of the result that answers them, in time or late."""


@dataclass(frozen=True, slots=True)
class Commit:
    """One compaction: written whole or not at all."""

    base_version: int
    """The version it was planned on; `StaleView` if it is no longer the newest."""
    view: View
    summaries: tuple[SummaryRecord, ...]
    """Those that the compaction wrote."""
    event: CompactionEvent
    state: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BranchState:
    """What a session needs to go on where it, or another process, stopped."""

    branch: int
    last_seq: int
    view: View
    summaries: Mapping[int, SummaryRecord]
    """Those that the view shows."""
    next_summary: int
    pins: tuple[Pin, ...] = ()
    """Set by the user, in the order they were set (a view holds those of its own time)."""
    unanswered: tuple[Call, ...] = ()
    """Calls that are closed and may still get a late result, in log order."""
    open_calls: tuple[Call, ...] = ()
    synthetics: Mapping[int, tuple[str, ...]] = field(default_factory=dict[int, tuple[str, ...]])
    """Call ids that closed unanswered, by the number of their assistant message."""
    superseded: frozenset[int] = frozenset()
    state: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The session's own notes: re-arming, calibration."""


@dataclass(frozen=True, slots=True)
class SearchDocument:
    """One message or summary as the ranking sees it."""

    branch: int
    ref: str
    """``m:57`` or ``s:3``."""
    first: int
    """The message's number, or the first one that a summary stands for."""
    role: str
    sitting: int
    """Grows by one at every long pause; neighbours count only within a sitting."""
    length: int
    """Number of analysed terms."""
    terms: Mapping[str, int]
    """How often each *queried* term occurs in it."""


@dataclass(frozen=True, slots=True)
class SearchPool:
    """What a search ranks: the documents that hold a queried term, and the scope's own statistics."""

    documents: Sequence[SearchDocument]
    total: int
    """Documents in the scope."""
    mean_length: float
    frequencies: Mapping[str, int]
    """In how many documents of the scope each queried term occurs, beyond a limit on ``documents`` too."""
    lengths: Mapping[tuple[int, int], tuple[int, int, str]]
    """(branch, seq) -> (length, sitting, role) of messages around the documents, for the neighbour field."""


class Archive(ABC):
    """See the module's docstring. `open_archive` makes one from a path or an address."""

    @abstractmethod
    def open_session(self, namespace: str, session_id: str) -> BranchState:
        """The active branch of a session; a new session starts with an empty one."""

    @abstractmethod
    def append(self, branch: int, batch: AppendBatch) -> None:
        """Add rows to the log, their index entries and call changes; durable on return."""

    @abstractmethod
    def find_ids(self, branch: int, ids: Iterable[str]) -> dict[str, tuple[int, Message]]:
        """Which of these message ids the log has: number and message by id."""

    @abstractmethod
    def messages(self, branch: int, ranges: Sequence[Range] | None = None) -> list[StoredMessage]:
        """The log, or these ranges of it, in order."""

    @abstractmethod
    def tip(self, branch: int) -> tuple[int, int]:
        """Number of the newest message and version of the view: whether another writer was here. Cheap."""

    @abstractmethod
    def totals(self, branch: int) -> tuple[int, int]:
        """How many messages the log has, and their tokens as they were counted at append."""

    @abstractmethod
    def summaries(self, branch: int, ids: Iterable[int] | None = None) -> dict[int, SummaryRecord]:
        """All summaries ever committed on the branch, or these, by id."""

    @abstractmethod
    def view(self, branch: int, version: int) -> View:
        """One version of the branch's view, as it was committed; an empty one where there was none."""

    @abstractmethod
    def commit(self, branch: int, commit: Commit) -> None:
        """Summaries, lineage and view v+1 by compare-and-set on v, in one transaction."""

    @abstractmethod
    def note(self, branch: int, state: Mapping[str, Any], event: CompactionEvent | None = None) -> None:
        """Keep the session's notes and, if given, the report of an attempt that committed nothing."""

    @abstractmethod
    def pin(self, branch: int, pin: Pin) -> None:
        """Add a pin; the same pin twice is one."""

    @abstractmethod
    def unpin(self, branch: int, ref: str) -> None:
        """Take every pin on ``ref`` away."""

    @abstractmethod
    def events(self, branch: int) -> list[CompactionEvent]:
        """Every attempted compaction, oldest first."""

    @abstractmethod
    def search(self, branch: int, terms: Sequence[str], limit: int = 5000) -> SearchPool:
        """The documents of one branch (its ancestors up to the fork included) that hold any of ``terms``.

        ``terms`` are analysed (`context_compaction.text.terms`). Of more than ``limit`` documents, those with
        the rarest terms are taken.
        """

    @abstractmethod
    def close(self) -> None:
        """Give back connections. Using the archive afterwards raises `ArchiveUnavailable`."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
