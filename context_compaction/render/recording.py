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


def records_of(
    messages: Sequence[tuple[Message, int | None]],
    placements: Sequence[Placement],
    after_seq: int,
    counter: TokenCounter,
    *,
    references: bool,
    cues: tuple[Cues, ...] = (),
) -> tuple[LogRecord, ...]:
    """The records of messages behind ``after_seq``, each with the head message that it supersedes, if any.

    ``placements`` by `groups.Pairing`. ``cues``: by which standing instructions are told; none without them.
    """
    placed = [
        (seq, message, supersedes, placement)
        for seq, ((message, supersedes), placement) in enumerate(
            zip(messages, placements, strict=True), start=after_seq + 1
        )
    ]
    shown = [shown_as(seq, said, at.kind, references=references) for seq, said, _, at in placed]
    counts = counter.each(shown)  # it may count while the rest is worked out, so that goes first
    known = [(features_of(message), instructions_of(message, cues)) for _, message, _, _ in placed]
    return tuple(
        LogRecord(seq, message, at.group, at.kind, view, tokens, features, supersedes, told)
        for (seq, message, supersedes, at), view, (features, told), tokens in zip(
            placed, shown, known, counts, strict=True
        )
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
    pairing, synthetics = Pairing(), dict[int, tuple[str, ...]]()
    placements = [pairing.place(seq, message) for seq, message in enumerate(messages, start=1)]
    for placement in placements:
        add_closed(synthetics, placement.closed)
    said = [(message, None) for message in messages]
    records = records_of(said, placements, 0, counter, references=references, cues=cues)
    return LogWindow({record.seq: record for record in records}, len(records), synthetics)
