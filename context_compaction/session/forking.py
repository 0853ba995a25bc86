"""What a fork takes over from the branch that it leaves."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from context_compaction.archive import Archive, BranchState, Fork, OutlineRow
from context_compaction.session.notes import forked_notes
from context_compaction.view import SummaryRecord, View, forked, last_shared_summary, usable


def fork_of(
    archive: Archive, source: BranchState, at: int, *, session_id: str | None = None, activate: bool = True
) -> Fork:
    """The fork of a branch at message ``at``: with the newest view that knows nothing of what came later."""
    summaries = archive.summaries(source.branch)
    shared = last_shared_summary(summaries, at)
    rows = archive.outline(source.branch)[:at]
    pruned = frozenset(row.seq for row in rows if row.pruned)
    stay = _newest(rows) - pruned
    view = _view(archive, source, summaries, shared, stay)
    return Fork(
        at=at,
        view=forked(view, at, summaries, pruned, stay),
        last_summary=shared,
        state=forked_notes(source.state, at),
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
    for version in range(source.view.version, 0, -1):
        view = source.view if version == source.view.version else archive.view(source.branch, version)
        if usable(view, summaries, last_summary, stay):
            return view
    return View()
