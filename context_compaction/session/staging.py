"""Messages on their way into a log: checked, placed, counted and numbered, nothing changed yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from context_compaction.archive import AppendBatch, Archive, StoredMessage
from context_compaction.counting import TokenCounter
from context_compaction.errors import DuplicateMessage
from context_compaction.groups import Pairing, Placement
from context_compaction.messages import Message
from context_compaction.messages.storage import content_digest
from context_compaction.render.recording import records_of
from context_compaction.text.cues import Cues
from context_compaction.view import LogRecord, Pin

MessageLike = Message | Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Staged:
    """Messages ready to be stored: rows for the archive, records for the view."""

    batch: AppendBatch
    records: tuple[LogRecord, ...]
    placements: tuple[Placement, ...]
    pairing: Pairing
    """As it is once they are stored."""

    def pinning(self, pins: Sequence[Pin]) -> Staged:
        """The same with pins on some of them."""
        return replace(self, batch=replace(self.batch, pins=tuple(pins))) if pins else self


def staged(
    messages: Sequence[tuple[Message, int | None]],
    after_seq: int,
    pairing: Pairing,
    counter: TokenCounter,
    *,
    references: bool,
    activate: bool = False,
    cues: tuple[Cues, ...] = (),
) -> Staged:
    """Place messages behind ``after_seq``, each with the head message that it supersedes, if any.

    ``pairing`` is left as it is.
    """
    pairing = pairing.copy()
    # What stands in the system head comes between no call and its result.
    placements = tuple(
        pairing.place(seq, message) if supersedes is None else Placement(seq, "plain")
        for seq, (message, supersedes) in enumerate(messages, start=after_seq + 1)
    )
    records = records_of(messages, placements, after_seq, counter, references=references, cues=cues)
    batch = AppendBatch(
        after_seq=after_seq,
        rows=tuple(_row(record, counter) for record in records),
        opened=tuple(call for placement in placements for call in placement.opened),
        closed=tuple(call for placement in placements for call in placement.closed),
        answered=tuple(
            (placement.answers, record.seq)
            for placement, record in zip(placements, records, strict=True)
            if placement.answers is not None
        ),
        activate=activate,
    )
    return Staged(batch, records, placements, pairing)


def without_known(archive: Archive, branch: int, messages: Sequence[Message]) -> list[Message]:
    """Leave out messages whose id and content the log (or this very batch) already has.

    Raises `DuplicateMessage` for an id with other content.
    """
    ids = [message.id for message in messages if message.id is not None]
    if not ids:
        return list(messages)
    known: dict[str, bytes | Message] = {
        key: digest for key, (_, digest) in archive.find_ids(branch, ids).items()
    }
    fresh: list[Message] = []
    for index, message in enumerate(messages):
        if message.id is None or message.id not in known:
            fresh.append(message)
            if message.id is not None:
                known[message.id] = message  # its digest is worked out if the id comes again, which is rare
        elif _digest(known[message.id]) != content_digest(message):
            raise DuplicateMessage(message.id, index)
    return fresh


def _digest(known: bytes | Message) -> bytes:
    return content_digest(known) if isinstance(known, Message) else known


def _row(record: LogRecord, counter: TokenCounter) -> StoredMessage:
    return StoredMessage(
        seq=record.seq,
        message=record.message,
        group=record.group,
        kind=record.kind,
        tokens=record.tokens,
        counter=counter.name,
        features=record.features,
        supersedes=record.supersedes,
    )
