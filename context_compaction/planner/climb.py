"""Running rungs one after another, measuring after each: the ladder at work."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass, field

from context_compaction.drafting.base import DraftRequest, DraftResult
from context_compaction.events import RungReport
from context_compaction.strategies import DrafterStrategy, Proposal, Rung, Scene
from context_compaction.view import SummaryRecord

Steps = Generator[tuple[DraftRequest, ...], DraftResult, None]


@dataclass(slots=True)
class Climb:
    """One run over a ladder: the scene as it changes, and what each rung did."""

    scene: Scene
    tokens: int
    stop_on_cancel: bool
    reports: list[RungReport] = field(default_factory=list[RungReport])
    summaries: list[SummaryRecord] = field(default_factory=list[SummaryRecord])
    drafts: list[DraftResult] = field(default_factory=list[DraftResult])
    rejected: list[str] = field(default_factory=list[str])
    """Writers whose draft came and was not good enough; models only."""
    skipped_budget: bool = False
    cancelled: bool = False

    def run(self, rungs: Iterable[Rung]) -> Steps:
        """Run the rungs that want to run, in order. A proposal that would grow the view is dropped."""
        for rung in rungs:
            if self.cancelled and self.stop_on_cancel:
                return
            if rung.wants(self.scene):
                proposal = yield from self._propose(rung)
                self._take(rung, proposal)

    def _propose(self, rung: Rung) -> Generator[tuple[DraftRequest, ...], DraftResult, Proposal]:
        if isinstance(rung, DrafterStrategy):
            return (yield from rung.propose(self.scene))
        return Proposal(rung.apply(self.scene))

    def _take(self, rung: Rung, proposal: Proposal) -> None:
        before, after, note = self.tokens, self.tokens, proposal.note
        changed = proposal.view is not self.scene.view and proposal.view != self.scene.view
        if changed:
            scene = self.scene.with_view(proposal.view, proposal.summaries)
            measured = scene.tokens
            if measured <= before:
                self.scene, self.tokens, after = scene, measured, measured
                self.summaries += proposal.summaries
            else:
                changed, note = False, note or "it would have grown the view"
        self._remember(proposal, changed=changed)
        self.reports.append(RungReport(rung.name, before, after, note))

    def _remember(self, proposal: Proposal, *, changed: bool) -> None:
        self.skipped_budget |= proposal.skipped_budget
        if proposal.draft is not None:
            self.drafts.append(proposal.draft)
            self.cancelled |= proposal.draft.cancelled
            if not changed and proposal.draft.is_model and proposal.draft.writer:
                self.rejected.append(proposal.draft.writer)
