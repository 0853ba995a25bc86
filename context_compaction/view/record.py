"""`LogRecord`: one original with everything that was worked out when it was appended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from context_compaction.groups import Kind
from context_compaction.messages import Message
from context_compaction.text.features import Features


@dataclass(frozen=True, slots=True)
class LogRecord:
    """Message number ``seq`` of a log. ``tokens`` and ``features`` are computed once, at append."""

    seq: int
    message: Message
    group: int
    """First sequence number of its group."""
    kind: Kind
    shown: Message
    """What a view shows for it: the message, or quoted text for late and orphan results."""
    tokens: int
    """Of ``shown``, envelope included."""
    features: Features
    supersedes: int | None = None
    """The message of the system head that it stands in for; 0 if it joined the head later."""
    instructions: tuple[str, ...] = ()
    """Sentences of a user or system message that are to hold from now on, or take that back."""


@dataclass(frozen=True, slots=True)
class LogWindow:
    """The part of a log that planning sees: an immutable snapshot.

    ``records`` holds what the view shows; ``synthetics`` the call ids of an assistant message that
    closed unanswered. ``superseding`` names the system messages that came later but stand in the head, each
    with the one that it replaced (0 if none).
    """

    records: Mapping[int, LogRecord]
    last_seq: int
    synthetics: Mapping[int, tuple[str, ...]] = field(default_factory=dict[int, tuple[str, ...]])
    superseding: Mapping[int, int] = field(default_factory=dict[int, int])
    superseded: frozenset[int] = field(init=False)
    """The system messages that a later one replaced."""
    elsewhere: frozenset[int] = field(init=False)
    """Numbers at which the log shows nothing: replaced messages, and those that stand in the head instead."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "superseded", frozenset(self.superseding.values()) - {0})
        object.__setattr__(self, "elsewhere", self.superseded.union(self.superseding))

    def __getitem__(self, seq: int) -> LogRecord:
        return self.records[seq]

    def after(self, seq: int) -> Iterator[LogRecord]:
        """The records behind ``seq`` in log order, superseded system messages left out."""
        for number in range(seq + 1, self.last_seq + 1):
            if number not in self.superseded:
                yield self.records[number]

    def head_place(self, seq: int) -> tuple[int, int]:
        """Where a message sorts: by its number, or where the system head has the message that it replaced."""
        first = seq
        while first in self.superseding:
            first = self.superseding[first]
        # One that replaced nothing stands behind the head as it was at first.
        return (first, 0) if first else (self._first_head(), seq)

    def _first_head(self) -> int:
        """The number of system messages before the first other message."""
        number = 1
        while number in self.elsewhere or (number in self.records and self.records[number].message.is_system):
            number += 1
        return number - 1
