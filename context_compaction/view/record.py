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


@dataclass(frozen=True, slots=True)
class LogWindow:
    """The part of a log that planning sees: an immutable snapshot.

    ``records`` holds what the view shows; ``synthetics`` the call ids of an assistant message that
    closed unanswered; ``superseded`` the system messages that a later one replaced.
    """

    records: Mapping[int, LogRecord]
    last_seq: int
    synthetics: Mapping[int, tuple[str, ...]] = field(default_factory=dict[int, tuple[str, ...]])
    superseded: frozenset[int] = frozenset()

    def __getitem__(self, seq: int) -> LogRecord:
        return self.records[seq]

    def after(self, seq: int) -> Iterator[LogRecord]:
        """The records behind ``seq`` in log order, superseded system messages left out."""
        for number in range(seq + 1, self.last_seq + 1):
            if number not in self.superseded:
                yield self.records[number]
