"""From an appended message to its `LogRecord`: what it shows, costs and contains is worked out once."""

from __future__ import annotations

from collections.abc import Sequence

from context_compaction.counting import TokenCounter
from context_compaction.groups import Kind, Pairing, Placement, add_closed
from context_compaction.messages import Message
from context_compaction.render.quoting import quoted_result
from context_compaction.text.cues import Cues
from context_compaction.text.features import features_of
from context_compaction.text.standing import heard
from context_compaction.view import LogRecord, LogWindow


def record_of(
    seq: int,
    message: Message,
    placement: Placement,
    counter: TokenCounter,
    *,
    references: bool,
    supersedes: int | None = None,
    cues: tuple[Cues, ...] = (),
) -> LogRecord:
    """The record of message number ``seq``, placed by `groups.Pairing`.

    ``cues``: by which standing instructions are told; none without them.
    """
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
        instructions_of(message, cues),
    )


def instructions_of(message: Message, cues: tuple[Cues, ...]) -> tuple[str, ...]:
    """What user or system say about how it is to be from now on. Whatever anybody else says is none."""
    if not cues or message.role in ("assistant", "tool") or message.is_context or message.is_recalled:
        return ()
    return heard(message.text, cues)


def shown_as(seq: int, message: Message, kind: Kind, *, references: bool) -> Message:
    """What a view shows for a message: itself, or quoted text for a late or orphan result."""
    if kind in ("late", "orphan"):
        return quoted_result(message, seq, references=references)
    return message


def log_window(
    messages: Sequence[Message], counter: TokenCounter, *, references: bool, cues: tuple[Cues, ...] = ()
) -> LogWindow:
    """Messages as a log of their own, numbered from 1."""
    pairing, records, synthetics = Pairing(), dict[int, LogRecord](), dict[int, tuple[str, ...]]()
    for seq, message in enumerate(messages, start=1):
        placement = pairing.place(seq, message)
        add_closed(synthetics, placement.closed)
        records[seq] = record_of(seq, message, placement, counter, references=references, cues=cues)
    return LogWindow(records, len(records), synthetics)
