"""The part of a session's log that its view shows, kept ready in memory: records, pairing, rendered form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from context_compaction.archive import AppendBatch, Archive, BranchState, StoredMessage
from context_compaction.counting import TokenCounter
from context_compaction.errors import DuplicateMessage
from context_compaction.groups import Pairing, Placement, add_closed
from context_compaction.messages import Message
from context_compaction.messages.storage import content_digest
from context_compaction.planner.stateless import read_messages
from context_compaction.render import Renderer, RenderOptions
from context_compaction.render.recording import record_of, shown_as
from context_compaction.view import Edited, Kept, LogRecord, LogWindow, SummaryRecord, View

MessageLike = Message | Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Staged:
    """Messages ready to be stored: rows for the archive, records for the view. Nothing is changed yet."""

    batch: AppendBatch
    records: tuple[LogRecord, ...]
    placements: tuple[Placement, ...]
    pairing: Pairing


class LiveLog:
    """Everything about one branch that the next context needs. Not thread-safe: the session's flight is."""

    def __init__(
        self, archive: Archive, state: BranchState, counter: TokenCounter, options: RenderOptions
    ) -> None:
        self._archive = archive
        self._counter = counter
        self._options = options
        self.branch = state.branch
        self.last_seq = state.last_seq
        self.summaries: dict[int, SummaryRecord] = dict(state.summaries)
        self.next_summary = state.next_summary
        self._superseded = state.superseded
        self._synthetics: dict[int, tuple[str, ...]] = dict(state.synthetics)
        self._pairing = Pairing.restore(state.unanswered, state.open_calls)
        stored = archive.messages(state.branch, _shown_ranges(state.view, state.last_seq))
        self._records = {row.seq: self._record(row) for row in stored}
        self.view = self._recounted(state.view)
        self.renderer = self._render()

    def window(self) -> LogWindow:
        """An immutable snapshot for planning: later appends do not reach it."""
        return LogWindow(self._records, self.last_seq, dict(self._synthetics), self._superseded)

    def stage(self, messages: Sequence[MessageLike]) -> Staged:
        """Check, place, count and number messages for the end of the log.

        Raises `InvalidMessage` or `DuplicateMessage` with the index of the offender; the log is unchanged.
        """
        fresh = self._without_known(read_messages(messages))
        pairing = self._pairing.copy()
        rows: list[StoredMessage] = []
        records: list[LogRecord] = []
        placements: list[Placement] = []
        for seq, message in enumerate(fresh, start=self.last_seq + 1):
            placement = pairing.place(seq, message)
            record = record_of(seq, message, placement, self._counter, references=self._options.references)
            placements.append(placement)
            records.append(record)
            rows.append(self._row(record))
        batch = AppendBatch(
            after_seq=self.last_seq,
            rows=tuple(rows),
            opened=tuple(call for placement in placements for call in placement.opened),
            closed=tuple(call for placement in placements for call in placement.closed),
            answered=tuple(
                (placement.answers, record.seq)
                for placement, record in zip(placements, records, strict=True)
                if placement.answers is not None
            ),
        )
        return Staged(batch, tuple(records), tuple(placements), pairing)

    def store(self, staged: Staged) -> None:
        """Write staged messages to the archive, then show them."""
        if not staged.records:
            return
        self._archive.append(self.branch, staged.batch)
        self._pairing = staged.pairing
        for record, placement in zip(staged.records, staged.placements, strict=True):
            self._records[record.seq] = record
            add_closed(self._synthetics, placement.closed)
            self.renderer.push(record)
        self.last_seq = staged.records[-1].seq

    def adopt(self, view: View, written: Sequence[SummaryRecord]) -> None:
        """Show a committed view; records that it no longer shows are given up (the archive has them)."""
        known = {**self.summaries, **{record.id: record for record in written}}
        self.view = view
        self.summaries = {number: known[number] for number in view.summaries}
        self.next_summary = max([self.next_summary - 1, *(record.id for record in written)]) + 1
        shown = {entry.seq for entry in view.head if isinstance(entry, (Kept, Edited))}
        # A new dict, since a background draft may still be reading the old one.
        self._records = {
            seq: row for seq, row in self._records.items() if seq in shown or seq > view.head_end
        }
        self._synthetics = {seq: ids for seq, ids in self._synthetics.items() if seq in self._records}
        self.renderer = self._render()

    def whole(self) -> Renderer:
        """The whole log as if nothing had ever been compacted."""
        records = {row.seq: self._record(row) for row in self._archive.messages(self.branch)}
        window = LogWindow(records, self.last_seq, _synthetics_of(records.values()), self._superseded)
        return Renderer(View(), window, {}, self._counter, self._options)

    def _render(self) -> Renderer:
        return Renderer(self.view, self.window(), self.summaries, self._counter, self._options)

    def _without_known(self, messages: list[Message]) -> list[Message]:
        """Leave out messages whose id and content the log (or this very batch) already has."""
        ids = [message.id for message in messages if message.id is not None]
        if not ids:
            return messages
        known = {key: digest for key, (_, digest) in self._archive.find_ids(self.branch, ids).items()}
        fresh: list[Message] = []
        for index, message in enumerate(messages):
            if message.id is None or message.id not in known:
                fresh.append(message)
                if message.id is not None:
                    known[message.id] = content_digest(message)
            elif known[message.id] != content_digest(message):
                raise DuplicateMessage(message.id, index)
        return fresh

    def _counted(self, row: StoredMessage) -> bool:
        return row.counter == self._counter.name and self._counter.same_name_same_counts

    def _recounted(self, view: View) -> View:
        """Edits are short, and nothing says which counter counted them."""
        edits = [entry for entry in view.head if isinstance(entry, Edited)]
        records = [self._records[edit.seq] for edit in edits]
        return view.with_edits(
            replace(edit, tokens=self._counter.message(record.shown.with_blocks(edit.blocks)))
            for edit, record in zip(edits, records, strict=True)
        )

    def _row(self, record: LogRecord) -> StoredMessage:
        return StoredMessage(
            record.seq,
            record.message,
            record.group,
            record.kind,
            record.tokens,
            self._counter.name,
            record.features,
        )

    def _record(self, row: StoredMessage) -> LogRecord:
        shown = shown_as(row.seq, row.message, row.kind, references=self._options.references)
        tokens = row.tokens if self._counted(row) else self._counter.message(shown)
        return LogRecord(row.seq, row.message, row.group, row.kind, shown, tokens, row.features)


def _synthetics_of(records: Iterable[LogRecord]) -> dict[int, tuple[str, ...]]:
    """The calls of a whole log that closed unanswered, by the number of their message."""
    pairing, found = Pairing(), dict[int, tuple[str, ...]]()
    for record in records:
        add_closed(found, pairing.place(record.seq, record.message).closed)
    return found


def _shown_ranges(view: View, last_seq: int) -> list[tuple[int, int]]:
    ranges = [(entry.seq, entry.seq) for entry in view.head if isinstance(entry, (Kept, Edited))]
    return ranges + ([(view.head_end + 1, last_seq)] if last_seq > view.head_end else [])
