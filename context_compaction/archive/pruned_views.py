"""What becomes of views when messages are pruned: gaps where they stood, and nothing left of their text."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from context_compaction.archive.records import BranchState
from context_compaction.events import CompactionEvent
from context_compaction.view import Edited, Entry, Gap, Kept, View

REASON = "pruned"


def shown_by(state: BranchState) -> set[int]:
    """The numbers of the messages that a branch's present view shows."""
    head = {entry.seq for entry in state.view.head if isinstance(entry, (Kept, Edited))}
    return head | _tail(state)


def next_view(state: BranchState, pruned: Collection[int]) -> View:
    """The version behind a branch's present one, in which the messages ``pruned`` are gaps.

    The tail is taken into the head, so that each number is named once and no later.
    """
    view = state.view
    entries: list[Entry] = [*view.head, *map(Kept, _tail(state))]
    gaps = [_gap_if(entry, pruned, Kept, Edited) for entry in entries]
    return replace(view, version=view.version + 1).rebuilt(gaps, state.last_seq)


def scrubbed(view: View, pruned: Collection[int]) -> View:
    """An old version without the text that its edits and pins have of the messages ``pruned``."""
    pins = tuple(pin for pin in view.pins if pin.seq not in pruned)
    entries = [_gap_if(entry, pruned, Edited) for entry in view.head]
    return (
        view if (*entries,) == view.head and pins == view.pins else replace(view, pins=pins).rebuilt(entries)
    )


def pruning_event(state: BranchState, after: View, tokens: Mapping[int, int]) -> CompactionEvent:
    """The report of the change from a branch's present view to ``after``.

    ``tokens`` are those of the messages as they were counted at append. The numbers leave out what a
    rendered view has around messages and summaries: an archive renders nothing.
    """
    shown, left = shown_by(state), {entry.seq for entry in after.head if isinstance(entry, (Kept, Edited))}
    edited = {entry.seq: entry.tokens for entry in after.head if isinstance(entry, Edited)}
    edited |= {entry.seq: entry.tokens for entry in state.view.head if isinstance(entry, Edited)}
    summaries = sum(summary.tokens for summary in state.summaries.values())
    return CompactionEvent(
        trigger="manual",
        level="none",
        outcome="reduced",
        tokens_before=summaries + sum(edited.get(seq, tokens[seq]) for seq in shown),
        tokens_after=summaries + sum(edited.get(seq, tokens[seq]) for seq in left),
        reason=REASON,
        committed=True,
        version=after.version,
        at_seq=state.last_seq,
        removed=len(shown - left),
    )


def _tail(state: BranchState) -> set[int]:
    superseded = set(state.superseding.values())
    return set(range(state.view.head_end + 1, state.last_seq + 1)) - superseded


def _gap_if(entry: Entry, pruned: Collection[int], *kinds: type[Kept | Edited]) -> Entry:
    if isinstance(entry, (Kept, Edited)) and isinstance(entry, kinds) and entry.seq in pruned:
        return Gap(entry.seq, entry.seq)
    return entry
