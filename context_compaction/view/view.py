"""`View`: what the model sees. The compacted head of version v, then every message after ``head_end``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from context_compaction.view.entries import Edited, Entry, Gap, Kept, Pin, Summary, SummaryRecord
from context_compaction.view.record import LogRecord, LogWindow


@dataclass(frozen=True, slots=True)
class View:
    """An immutable view. Appending to the log never changes it; only a compaction makes the next version."""

    version: int = 0
    head_end: int = 0
    """The last sequence number that ``head`` accounts for."""
    head: tuple[Entry, ...] = ()
    """Kept and Edited entries in log order, then summaries by id, then gaps in log order."""
    pins: tuple[Pin, ...] = ()
    """As they stood at the compaction that made this version."""

    @property
    def summaries(self) -> tuple[int, ...]:
        """Ids of the summaries shown."""
        return tuple(entry.id for entry in self.head if isinstance(entry, Summary))

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """The holes shown as one line each."""
        return tuple(entry for entry in self.head if isinstance(entry, Gap))

    @property
    def compacted(self) -> bool:
        """Whether anything has left this view."""
        return not {Summary, Gap}.isdisjoint(map(type, self.head))

    def shown(self, log: LogWindow) -> list[tuple[LogRecord, Edited | None]]:
        """Every message shown, with its edit if any, in log order (a new system prompt in its place)."""
        # Planning asks for this a dozen times; a list of plain tests is twice as fast as a generator.
        records = log.records
        pairs: list[tuple[LogRecord, Edited | None]] = [
            (records[entry.seq], entry if isinstance(entry, Edited) else None)
            for entry in self.head
            if isinstance(entry, (Kept, Edited))
        ]
        if log.superseded:
            pairs = [pair for pair in pairs if pair[0].seq not in log.superseded]
        if self.head_end < log.last_seq:
            pairs += [(record, None) for record in log.after(self.head_end)]
        if log.superseding:
            pairs.sort(key=lambda pair: log.head_place(pair[0].seq))
        return pairs

    def settled(self, log: LogWindow) -> View:
        """The same view with the log's tail taken into the head, so that edits can reach it."""
        if self.head_end == log.last_seq:
            return self
        tail = [Kept(record.seq) for record in log.after(self.head_end)]
        shown = sum(isinstance(entry, (Kept, Edited)) for entry in self.head)
        return replace(self, head=(*self.head[:shown], *tail, *self.head[shown:]), head_end=log.last_seq)

    def rebuilt(self, entries: Iterable[Entry], head_end: int | None = None) -> View:
        """A view of these entries in canonical order, neighbouring gaps merged."""
        messages: list[Kept | Edited] = []
        summaries: list[Summary] = []
        gaps: list[Gap] = []
        for entry in entries:
            if isinstance(entry, Summary):
                summaries.append(entry)
            elif isinstance(entry, Gap):
                gaps.append(entry)
            else:
                messages.append(entry)
        messages.sort(key=lambda entry: entry.seq)
        summaries.sort(key=lambda entry: entry.id)
        return replace(
            self,
            head=(*messages, *summaries, *merged(gaps)),
            head_end=self.head_end if head_end is None else head_end,
        )

    def without(self, seqs: Iterable[int], instead: Iterable[Entry] = ()) -> View:
        """A settled view less the messages ``seqs``, with ``instead`` standing for them."""
        leaving = set(seqs)
        stay = [
            entry for entry in self.head if not (isinstance(entry, (Kept, Edited)) and entry.seq in leaving)
        ]
        return self.rebuilt((*stay, *instead))

    def with_edits(self, edits: Iterable[Edited]) -> View:
        """A settled view in which these edits replace the entries of their messages."""
        by_seq = {edit.seq: edit for edit in edits}
        head = tuple(
            by_seq.get(entry.seq, entry) if isinstance(entry, (Kept, Edited)) else entry
            for entry in self.head
        )
        return replace(self, head=head)

    def accounted(self, summaries: dict[int, SummaryRecord]) -> set[int]:
        """Every sequence number that the head names, by whatever entry."""
        seqs: set[int] = set()
        for entry in self.head:
            if isinstance(entry, Gap):
                seqs.update(range(entry.first, entry.last + 1))
            elif isinstance(entry, Summary):
                seqs.update(summaries[entry.id].seqs)
            else:
                seqs.add(entry.seq)
        return seqs


def merged(gaps: Iterable[Gap]) -> tuple[Gap, ...]:
    """Gaps in log order, neighbours joined."""
    out: list[Gap] = []
    for gap in sorted(gaps, key=lambda gap: gap.first):
        if out and out[-1].last + 1 >= gap.first:
            out[-1] = Gap(out[-1].first, max(out[-1].last, gap.last))
        else:
            out.append(gap)
    return tuple(out)
