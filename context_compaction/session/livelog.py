"""One branch of a session, kept ready in memory: where its log ends, and what its view shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from context_compaction.archive import Archive, BranchState, StoredMessage
from context_compaction.counting import TokenCounter
from context_compaction.groups import Pairing, add_closed
from context_compaction.messages import Message
from context_compaction.render import Renderer, RenderOptions
from context_compaction.render.recording import instructions_of, shown_as
from context_compaction.session.staging import Staged, staged
from context_compaction.text.cues import Cues
from context_compaction.view import Edited, Gap, Kept, LogRecord, LogWindow, SummaryRecord, View


class LiveLog:
    """Everything about one branch that the next context needs. Not thread-safe: the session's flight is.

    What the view shows is read when it is first asked for: a log of any length is opened, and appended to,
    without it.
    """

    def __init__(
        self,
        archive: Archive,
        state: BranchState,
        counter: TokenCounter,
        options: RenderOptions,
        cues: tuple[Cues, ...] = (),
    ) -> None:
        self._archive = archive
        self._counter = counter
        self._options = options
        self._cues = cues
        self._take(state)

    def _take(self, state: BranchState) -> None:
        self.branch = state.branch
        self.fork_at = state.fork_at
        self.last_seq = state.last_seq
        self.version = state.view.version
        self.summaries: dict[int, SummaryRecord] = dict(state.summaries)
        self.next_summary = state.next_summary
        self._superseding = dict(state.superseding)
        self._synthetics: dict[int, tuple[str, ...]] = dict(state.synthetics)
        self._pairing = Pairing.restore(state.unanswered, state.open_calls)
        self._view = state.view
        self._records: dict[int, LogRecord] | None = None
        self._renderer: Renderer | None = None

    @property
    def view(self) -> View:
        """The present view, its edits counted by this session's counter."""
        self._loaded()
        return self._view

    @property
    def renderer(self) -> Renderer:
        """The present view as the model sees it."""
        self._loaded()
        if self._renderer is None:
            self._renderer = Renderer(self._view, self.window(), self.summaries, self._counter, self._options)
        return self._renderer

    def window(self) -> LogWindow:
        """An immutable snapshot for planning: later appends do not reach it."""
        return LogWindow(self._loaded(), self.last_seq, dict(self._synthetics), dict(self._superseding))

    def stage(self, messages: Sequence[tuple[Message, int | None]], *, activate: bool = False) -> Staged:
        """Messages, each with the head message that it supersedes, made ready for the end of the log."""
        return staged(
            messages,
            self.last_seq,
            self._pairing,
            self._counter,
            references=self._options.references,
            activate=activate,
            cues=self._cues,
        )

    def store(self, batch: Staged) -> None:
        """Write staged messages to the archive, then show them."""
        if batch.records or batch.batch.activate:
            self._archive.append(self.branch, batch.batch)
        self._pairing = batch.pairing
        for placement in batch.placements:
            add_closed(self._synthetics, placement.closed)
        self._show(batch.records)

    def news(self, last_seq: int) -> list[StoredMessage]:
        """What another writer appended, up to number ``last_seq``."""
        return self._archive.messages(self.branch, [(self.last_seq + 1, last_seq)])

    def follow(self, rows: Sequence[StoredMessage]) -> None:
        """Show what another writer appended."""
        for row in rows:
            if row.supersedes is None:
                add_closed(self._synthetics, self._pairing.place(row.seq, row.message).closed)
        self._show([self._record(row) for row in rows])

    def adopt(self, view: View, written: Sequence[SummaryRecord]) -> None:
        """Show a committed view; records that it no longer shows are given up (the archive has them)."""
        records = self._loaded()
        known = {**self.summaries, **{record.id: record for record in written}}
        self._view, self.version = view, view.version
        self.summaries = {number: known[number] for number in view.summaries}
        self.next_summary = max([self.next_summary - 1, *(record.id for record in written)]) + 1
        shown = {entry.seq for entry in view.head if isinstance(entry, (Kept, Edited))}
        # A new dict, since a background draft may still be reading the old one.
        self._records = {seq: row for seq, row in records.items() if seq in shown or seq > view.head_end}
        self._synthetics = {seq: ids for seq, ids in self._synthetics.items() if seq in self._records}
        self._renderer = None

    def whole(self) -> Renderer:
        """The whole log as if nothing had ever been compacted (what was pruned is a gap)."""
        rows = self._archive.messages(self.branch)
        records = {row.seq: self._record(row) for row in rows if not row.pruned}
        window = LogWindow(records, self.last_seq, _synthetics_of(records.values()), self._superseding)
        gaps = [Gap(row.seq, row.seq) for row in rows if row.pruned]
        view = View().rebuilt([*map(Kept, records), *gaps], self.last_seq) if gaps else View()
        return Renderer(view, window, {}, self._counter, self._options)

    def _loaded(self) -> dict[int, LogRecord]:
        if self._records is None:
            rows = self._archive.messages(self.branch, _shown_ranges(self._view, self.last_seq))
            if any(row.pruned for row in rows):
                # No view shows what is gone: this one was replaced since the branch was looked at.
                self._take(self._archive.state(self.branch))
                rows = self._archive.messages(self.branch, _shown_ranges(self._view, self.last_seq))
            self._records = {row.seq: self._record(row) for row in rows}
            self._view = self._recounted(self._view, self._records)
        return self._records

    def _show(self, records: Sequence[LogRecord]) -> None:
        """Take records for the end of the log in; a new system message changes the beginning, too."""
        joined = {record.seq: record.supersedes for record in records if record.supersedes is not None}
        self._superseding |= joined
        if self._records is not None:
            self._records |= {record.seq: record for record in records}
        if joined:
            self._renderer = None
        if records:
            self.last_seq = records[-1].seq
        if self._renderer is not None:
            elsewhere = frozenset(self._superseding).union(self._superseding.values())
            for record in records:
                self._renderer.push(record, elsewhere=elsewhere)

    def _counted(self, row: StoredMessage) -> bool:
        return row.counter == self._counter.name and self._counter.same_name_same_counts

    def _recounted(self, view: View, records: dict[int, LogRecord]) -> View:
        """Edits are short, and nothing says which counter counted them."""
        edits = [entry for entry in view.head if isinstance(entry, Edited)]
        return view.with_edits(
            replace(edit, tokens=self._counter.message(records[edit.seq].shown.with_blocks(edit.blocks)))
            for edit in edits
        )

    def _record(self, row: StoredMessage) -> LogRecord:
        shown = shown_as(row.seq, row.message, row.kind, references=self._options.references)
        tokens = row.tokens if self._counted(row) else self._counter.message(shown)
        told = instructions_of(row.message, self._cues)
        return LogRecord(
            row.seq, row.message, row.group, row.kind, shown, tokens, row.features, row.supersedes, told
        )


def _synthetics_of(records: Iterable[LogRecord]) -> dict[int, tuple[str, ...]]:
    """The calls of a whole log that closed unanswered, by the number of their message."""
    pairing, found = Pairing(), dict[int, tuple[str, ...]]()
    for record in records:
        if record.supersedes is None:
            add_closed(found, pairing.place(record.seq, record.message).closed)
    return found


def _shown_ranges(view: View, last_seq: int) -> list[tuple[int, int]]:
    ranges = [(entry.seq, entry.seq) for entry in view.head if isinstance(entry, (Kept, Edited))]
    return ranges + ([(view.head_end + 1, last_seq)] if last_seq > view.head_end else [])
