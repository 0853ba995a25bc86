"""What archives take and give: rows, batches, commits, branches. Plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from context_compaction.events import CompactionEvent
from context_compaction.groups import Call, Kind
from context_compaction.messages import Message
from context_compaction.text.features import Features
from context_compaction.view import Pin, SummaryRecord, View


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
    """A head system message that this one replaces in the view; 0 for one that joins the head."""
    hash: str = ""
    """Set by the archive."""
    pruned_at: float | None = None
    """Set on a tombstone, in epoch seconds: ``message`` then only says what is gone."""

    @property
    def pruned(self) -> bool:
        """Whether this is a tombstone."""
        return self.pruned_at is not None


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
    activate: bool = False
    """Make the branch the one its session goes on with. Without it, it has to be that already."""
    pins: tuple[Pin, ...] = ()
    """Of the batch's own messages: no message is there without its pin."""


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
    fork_at: int
    """The last message that it shares with its ancestors; 0 for none."""
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
    superseding: Mapping[int, int] = field(default_factory=dict[int, int])
    """System messages that stand in the head for an earlier one, with its number (0 if for none)."""
    state: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The session's own notes: re-arming, calibration."""


class Tip(NamedTuple):
    """Where a branch stands: enough to see that another writer was here."""

    last_seq: int
    version: int
    active: bool
    """Whether it is the branch that its session goes on with."""


@dataclass(frozen=True, slots=True)
class Branch:
    """One line of a session's history: a fork shares its ancestors' messages up to ``fork_at``."""

    id: int
    """The archive's number for it, never used again."""
    parent: int | None
    """The branch that message ``fork_at`` belongs to."""
    fork_at: int
    last_seq: int
    version: int
    """Of its view."""
    active: bool
    created_at: float
    """Epoch seconds."""


@dataclass(frozen=True, slots=True)
class Fork:
    """A branch to be: what it takes over from the one that it leaves at message ``at``."""

    at: int
    view: View
    last_summary: int
    """Summaries up to this number are shared; its own go on behind it."""
    state: Mapping[str, Any]
    session_id: str | None = None
    """A new session of the same namespace to begin with it; None for a branch of the same session."""
    activate: bool = True


class OutlineRow(NamedTuple):
    """One message of a log as `Session.sync` compares it: everything but what it says."""

    seq: int
    message_id: str | None
    digest: bytes
    """`content_digest` of the message."""
    role: str
    kind: Kind
    supersedes: int | None
    pruned: bool


class MessageSize(NamedTuple):
    """One message of a log without all that it says."""

    tokens: int
    """As counted at append."""
    pruned: bool


class SearchDocument(NamedTuple):
    """One message or summary as the ranking sees it. Hundreds are made for a search."""

    branch: int
    ref: str
    """``m:57`` or ``s:3``."""
    first: int
    """The message's number, or the first one that a summary stands for."""
    role: str
    sitting: int
    """Grows by one at every long pause; neighbours count only within a sitting. Of a summary nothing."""
    length: int
    """Number of analysed terms."""
    terms: Mapping[str, float]
    """How often each *queried* term occurs in it."""
    periods: frozenset[int] = frozenset()
    """In which of the queried periods it was said, by their places in the query."""
    also: tuple[int, ...] = ()
    """Of a search over sessions: other branches that show it, and went their own way right behind it."""


@dataclass(frozen=True, slots=True)
class SearchPool:
    """What a search ranks: documents that hold a queried term, and the scope's own statistics."""

    documents: Sequence[SearchDocument]
    total: int
    """Documents in the scope."""
    mean_length: float
    frequencies: Mapping[str, int]
    """In how many documents of the scope each queried term occurs, beyond a limit on ``documents`` too."""
    period_frequencies: Sequence[int] = ()
    """How many messages of the scope are of each queried period."""
    sittings: int = 1
    """How many sittings the scope has."""


class Upto(NamedTuple):
    """A moment of a branch by the last message and the last summary that it had."""

    seq: int
    summary: int


@dataclass(frozen=True, slots=True)
class Extent:
    """How much a range of a log holds, and from when it is."""

    messages: int
    tokens: int
    """As they were counted at append."""
    pruned: int
    """How many of the messages are tombstones."""
    first_at: float | None
    """When its earliest message was said, in epoch seconds; None where none says when."""
    last_at: float | None


class VectorModel(NamedTuple):
    """What vectors are by: only those of one model and length are ever compared."""

    name: str
    dimension: int


class Near(NamedTuple):
    """A message or summary, and how near its vector is to the one that was asked for."""

    seq: int
    """The message's number, or the first one that the summary stands for."""
    summary: int
    """The summary's number; 0 for a message."""
    similarity: float
    """The cosine, -1 to 1."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """What a prune let go of."""

    messages: int = 0
    bytes: int = 0
    """Of messages and media as they were stored."""
    sessions: int = 0
    """How many sessions they were of."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What a forget erased."""

    sessions: int = 0
    branches: int = 0
    messages: int = 0


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that `verify` found, in words and with its place."""

    kind: Literal["changed", "missing", "reordered", "damaged"]
    """changed, missing, reordered: a message, by the hash chain. damaged: anything else."""
    namespace: str
    session_id: str
    ref: str
    """``m:57`` or ``s:3``; empty where it is of no one message."""
    detail: str

    def __str__(self) -> str:
        place = f"{self.namespace}/{self.session_id} {self.ref}".strip(" /")
        return f"{place}: {self.kind}: {self.detail}" if place else f"{self.kind}: {self.detail}"
