"""What a fork takes over from the branch that it leaves."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from context_compaction.archive import Archive, BranchState, Fork, OutlineRow
from context_compaction.planner.instructions import hear, heard_pins
from context_compaction.policy import StandingInstructions
from context_compaction.render.recording import instructions_of
from context_compaction.session.notes import forked_notes, let_go_in
from context_compaction.view import Pin, SummaryRecord, View, forked, last_shared_summary, usable


def fork_of(
    archive: Archive,
    source: BranchState,
    at: int,
    terms: StandingInstructions | None = None,
    *,
    session_id: str | None = None,
    activate: bool = True,
) -> Fork:
    """The fork of a branch at message ``at``: with the newest view that knows nothing of what came later.

    ``terms``: by what standing instructions pin themselves; those of the fork are what held at ``at``.
    """
    summaries = archive.summaries(source.branch)
    shared = last_shared_summary(summaries, at)
    rows = archive.outline(source.branch)[:at]
    pruned = frozenset(row.seq for row in rows if row.pruned)
    stay = _newest(rows) - pruned
    view = _view(archive, source, summaries, shared, stay)
    heard_to = min(view.head_end, source.state.get("heard_to", 0))
    if heard_to > at and terms is not None:
        view, heard_to = replace(view, pins=_pins(archive, source, view, at, terms)), at
    return Fork(
        at=at,
        view=forked(view, at, summaries, pruned, stay),
        last_summary=shared,
        state=forked_notes(source.state, at, min(heard_to, at)),
        session_id=session_id,
        activate=activate,
    )


def _newest(rows: Sequence[OutlineRow]) -> set[int]:
    """What no view of a log that ends with these rows may lack: its newest user message and group."""
    users = [row.seq for row in rows if row.role == "user"]
    last = max((row.seq for row in rows if row.role != "tool" and row.supersedes is None), default=1)
    return {*users[-1:], *(row.seq for row in rows[last - 1 :])}


def _view(
    archive: Archive,
    source: BranchState,
    summaries: Mapping[int, SummaryRecord],
    last_summary: int,
    stay: Collection[int],
) -> View:
    versions = _versions(archive, source)
    return next((view for view in versions if usable(view, summaries, last_summary, stay)), View())


def _pins(
    archive: Archive, source: BranchState, view: View, at: int, terms: StandingInstructions
) -> tuple[Pin, ...]:
    """The pins of a view that heard what the fork never did: a later word may have ended an earlier one.

    So they are heard anew, from the last view that ended by then.
    """
    before = next((found for found in _versions(archive, source) if found.head_end <= at), View())
    rows = archive.messages(source.branch, [(before.head_end + 1, at)] if before.head_end < at else [])
    said = [
        (row.seq, row.message, instructions_of(row.message, terms.cues))
        for row in rows
        if not row.pruned and row.supersedes is None
    ]
    let_go = let_go_in(source.state)
    heard = [pin for pin in hear(heard_pins(before.pins), said, terms) if pin.seq not in let_go]
    return (*(pin for pin in view.pins if not pin.heard), *heard[max(0, len(heard) - terms.most) :])


def _versions(archive: Archive, source: BranchState) -> Iterator[View]:
    """The views of a branch, newest first."""
    yield source.view
    for version in range(source.view.version - 1, 0, -1):
        yield archive.view(source.branch, version)
