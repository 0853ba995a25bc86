"""What a fork takes over from the branch that it leaves."""

from __future__ import annotations

from context_compaction.archive import Archive, BranchState, Fork
from context_compaction.session.notes import forked_notes
from context_compaction.view import View, forked, last_shared_summary, usable


def fork_of(
    archive: Archive, source: BranchState, at: int, *, session_id: str | None = None, activate: bool = True
) -> Fork:
    """The fork of a branch at message ``at``: with the newest view that knows nothing of what came later."""
    summaries = archive.summaries(source.branch)
    shared = last_shared_summary(summaries, at)
    view = _view(archive, source, shared)
    pruned = [row.seq for row in archive.outline(source.branch) if row.pruned and row.seq <= at]
    return Fork(
        at=at,
        view=forked(view, at, summaries, frozenset(pruned)),
        last_summary=shared,
        state=forked_notes(source.state, at),
        session_id=session_id,
        activate=activate,
    )


def _view(archive: Archive, source: BranchState, last_summary: int) -> View:
    for version in range(source.view.version, 0, -1):
        view = source.view if version == source.view.version else archive.view(source.branch, version)
        if usable(view, last_summary):
            return view
    return View()
