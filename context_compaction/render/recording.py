"""From an appended message to its `LogRecord`: what it shows, costs and contains is worked out once."""

from __future__ import annotations

from collections.abc import Sequence

from context_compaction.counting import TokenCounter
from context_compaction.groups import Kind, Pairing, Placement, add_closed
from context_compaction.messages import Message
from context_compaction.render.quoting import quoted_result
from context_compaction.text.features import features_of
from context_compaction.view import LogRecord, LogWindow


def record_of(
    seq: int,
    message: Message,
    placement: Placement,
    counter: TokenCounter,
    *,
    references: bool,
    supersedes: int | None = None,
) -> LogRecord:
    """The record of message number ``seq``, placed by `groups.Pairing`."""
    shown = shown_as(seq, message, placement.kind, references=references)
    return LogRecord(
        seq,
        message,
        placement.group,
        placement.kind,
        shown,
        counter.message(shown),
        features_of(message),
        supersedes,
    )


def shown_as(seq: int, message: Message, kind: Kind, *, references: bool) -> Message:
    """What a view shows for a message: itself, or quoted text for a late or orphan result."""
    if kind in ("late", "orphan"):
        return quoted_result(message, seq, references=references)
    return message


def log_window(messages: Sequence[Message], counter: TokenCounter, *, references: bool) -> LogWindow:
    """Messages as a log of their own, numbered from 1."""
    pairing, records, synthetics = Pairing(), dict[int, LogRecord](), dict[int, tuple[str, ...]]()
    for seq, message in enumerate(messages, start=1):
        placement = pairing.place(seq, message)
        add_closed(synthetics, placement.closed)
        records[seq] = record_of(seq, message, placement, counter, references=references)
    return LogWindow(records, len(records), synthetics)
