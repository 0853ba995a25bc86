"""`describe`: the tree of a session, from what the model sees of it down to the messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from context_compaction.archive.base import Archive
from context_compaction.recall.at_once import at_once
from context_compaction.recall.topics import Topics
from context_compaction.recall.tree import Description, Stretch
from context_compaction.view import Edited, Range, SummaryRecord, View, range_text


@at_once
def describe(archive: Archive, branch: int, session_id: str, namespace: str) -> Description:
    """A branch as it stands: its view's stretches in log order, and what the summaries were made from."""
    state = archive.state(branch)
    records = _lineage(archive, branch, state.summaries)
    gaps = [(entry.first, entry.last) for entry in state.view.gaps]
    left = [*gaps, *(found for number in state.view.summaries for found in records[number].ranges)]
    shown = rest_of((1, state.last_seq), left)
    parts = [*(record.ranges for record in records.values()), *((found,) for found in (*gaps, *shown))]
    topics = Topics(archive, branch, state.last_seq, parts)
    replaced = set(state.superseding.values()) - {0}
    drawing = _Drawing(archive, branch, records, topics, _otherwise(state.view, replaced))
    stretches = [
        *(drawing.summary(number, in_view=True) for number in state.view.summaries),
        *(drawing.stretch("gap", range_text((found,)), (found,), 0) for found in gaps),
        *(drawing.shown(found) for found in shown),
    ]
    return Description(session_id, namespace, tuple(sorted(stretches, key=lambda one: one.ranges)))


def rest_of(whole: Range, taken: Sequence[Range]) -> list[Range]:
    """What of a range none of the others holds, ascending."""
    out: list[Range] = []
    begin, end = whole
    for first, last in sorted(taken):
        if begin < first:
            out.append((begin, min(first - 1, end)))
        begin = max(begin, last + 1)
    return [*out, (begin, end)] if begin <= end else out


class _Drawing:
    """The stretches of one branch."""

    def __init__(
        self,
        archive: Archive,
        branch: int,
        records: Mapping[int, SummaryRecord],
        topics: Topics,
        otherwise: Mapping[int, int],
    ) -> None:
        self._archive, self._branch = archive, branch
        self._records, self._topics = records, topics
        self._otherwise = otherwise

    def summary(self, number: int, *, in_view: bool) -> Stretch:
        """A summary's, with its sources one generation down and so on."""
        record = self._records[number]
        sources = [
            self.summary(source, in_view=False) for source in record.sources if source in self._records
        ]
        return self.stretch(
            "summary",
            record.ref,
            record.ranges,
            record.tokens if in_view else 0,
            generation=record.generation,
            sources=tuple(sorted(sources, key=lambda one: one.ranges)),
        )

    def shown(self, found: Range) -> Stretch:
        """Of messages that the view shows, some of them otherwise than they were said."""
        seqs = [seq for seq in self._otherwise if found[0] <= seq <= found[1]]
        whole = self._archive.extents(self._branch, [(seq, seq) for seq in seqs])
        saved = sum(extent.tokens for extent in whole) - sum(self._otherwise[seq] for seq in seqs)
        [extent] = self._archive.extents(self._branch, [found])
        return self.stretch("shown", range_text((found,)), (found,), extent.tokens - saved)

    def stretch(
        self,
        kind: Literal["summary", "gap", "shown"],
        ref: str,
        ranges: tuple[Range, ...],
        tokens_seen: int,
        *,
        generation: int | None = None,
        sources: tuple[Stretch, ...] = (),
    ) -> Stretch:
        """One of these ranges, measured."""
        extents = self._archive.extents(self._branch, ranges)
        return Stretch(
            ref=ref,
            kind=kind,
            ranges=ranges,
            messages=sum(extent.messages for extent in extents),
            pruned=sum(extent.pruned for extent in extents),
            tokens_said=sum(extent.tokens for extent in extents),
            tokens_seen=tokens_seen,
            first_at=min((one.first_at for one in extents if one.first_at is not None), default=None),
            last_at=max((one.last_at for one in extents if one.last_at is not None), default=None),
            topics=self._topics.of(ranges),
            generation=generation,
            sources=sources,
        )


def _otherwise(view: View, replaced: Iterable[int]) -> dict[int, int]:
    """Tokens of the messages that the view shortens; none of a system message that another replaced."""
    edited = {entry.seq: entry.tokens for entry in view.head if isinstance(entry, Edited)}
    return edited | dict.fromkeys(replaced, 0)


def _lineage(archive: Archive, branch: int, shown: Mapping[int, SummaryRecord]) -> dict[int, SummaryRecord]:
    """The summaries that a view shows, and all that they were made from."""
    found = dict(shown)
    wanted = {source for record in found.values() for source in record.sources}
    while missing := wanted - found.keys():
        below = archive.summaries(branch, missing)
        if not below:
            break
        found.update(below)
        wanted = {source for record in below.values() for source in record.sources}
    return found
