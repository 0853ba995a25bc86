"""`Distill`: when summaries pile up, one working context takes the place of them all."""

from __future__ import annotations

from dataclasses import replace

from context_compaction.drafting.base import DraftRequest, DraftResult
from context_compaction.errors import InvalidPolicy
from context_compaction.strategies.base import DrafterStrategy, DraftSteps, Proposal, Scene
from context_compaction.strategies.gate import (
    FACTS_SHARE,
    Gate,
    carried_texts,
    checked_floor,
    checked_share,
    under_floor,
)
from context_compaction.strategies.passages import summary_passage
from context_compaction.strategies.summarize import INPUT_SHARE, WORTHWHILE, summary_cap
from context_compaction.text.facts import fidelity
from context_compaction.text.verbatim import split_block
from context_compaction.view import Entry, Summary, SummaryRecord, View, ranges_of


class Distill(DrafterStrategy):
    """Replaces all summaries of the view by one.

    It runs in the compaction that wrote the newest of them, when there are more than ``max_leaves`` (and at
    least two); and in any that finds at least two which together, as they are shown, pass ``share`` of the
    input: they might leave too little room for the next one ever to be written. The sources leave the view,
    not the archive. Their hard facts are carried on as in `Summarize`: what the draft misses is listed, in
    ``facts_share`` of the cap and what the draft left of it. A draft that failed, that is no smaller than its
    sources, or a model's that with the list carries less than ``fidelity_floor`` of their hard facts, changes
    nothing. Raises `InvalidPolicy` for options that mean nothing.
    """

    name = "distill"

    def __init__(
        self,
        *,
        max_leaves: int = 4,
        share: float = 0.25,
        fidelity_floor: float = 0.25,
        facts_share: float = FACTS_SHARE,
    ) -> None:
        if max_leaves < 0 or not 0 < share <= 1:
            raise InvalidPolicy(
                f"max_leaves is {max_leaves}, share {share}; give a count and a share up to 1"
            )
        self.max_leaves = max_leaves
        self.share = share
        self.fidelity_floor = checked_floor(fidelity_floor)
        self.facts_share = checked_share(facts_share)

    def wants(self, scene: Scene) -> bool:
        """Whether there are too many, one of them of this compaction, or they take too much of the input."""
        count = len(scene.view.summaries)
        if count < 2:
            return False
        if count > self.max_leaves and not scene.written.isdisjoint(scene.view.summaries):
            return True
        return _shown_tokens(scene) > self.share * scene.budget.input_tokens

    def propose(self, scene: Scene) -> DraftSteps:
        """Ask for one working context out of all summaries."""
        sources = _sources(scene)
        total = sum(source.tokens for source in sources)
        cap = _cap(scene, total)
        if cap < WORTHWHILE:
            return Proposal(scene.view, note=f"{total} tokens of summaries are too few to be distilled")
        passages = tuple(
            summary_passage(source, references=scene.references, redact=scene.redacted) for source in sources
        )
        carried = [scene.redacted(text) for text in carried_texts(scene, replaced=scene.view.summaries)]
        gate = Gate.of(passages, carried, scene.counter, cap=cap, share=self.facts_share)
        words = tuple(replace(each, text=split_block(each.text)[0]) for each in passages)
        result = yield (scene.asking(DraftRequest("distill", words, gate.asked)),)
        if not result.texts:
            return Proposal(scene.view, draft=result, note=result.reason or "no draft")
        text = gate.closed(scene.redacted(result.texts[0]))
        share = fidelity([passage.text for passage in passages], [text, *carried])
        record = _record(scene, sources, result, text, share)
        flaw = under_floor(record, result, self.fidelity_floor)
        if flaw or not 0 < record.tokens < total:
            note = flaw or "the distilled context would be no smaller"
            return Proposal(scene.view, draft=result, note=note)
        return Proposal(_view_with(scene, record), (record,), result)


def _sources(scene: Scene) -> list[SummaryRecord]:
    return [scene.summaries[number] for number in scene.view.summaries]


def _cap(scene: Scene, total: int) -> int:
    cap = summary_cap(total, scene.budget.context_window, scene.drafter_window)
    return min(cap, int(INPUT_SHARE * scene.budget.input_tokens), total)


def _record(
    scene: Scene, sources: list[SummaryRecord], result: DraftResult, text: str, share: float
) -> SummaryRecord:
    seqs = sorted({seq for source in sources for seq in source.seqs})
    return SummaryRecord(
        id=scene.next_summary,
        text=text,
        tokens=scene.counter.text(text),
        generation=1 + max(source.generation for source in sources),
        ranges=ranges_of(seqs),
        sources=tuple(source.id for source in sources),
        writer=result.writer or "extractive",
        fidelity=share,
    )


def _view_with(scene: Scene, record: SummaryRecord) -> View:
    return scene.view.rebuilt([*_others(scene), Summary(record.id)])


def _shown_tokens(scene: Scene) -> int:
    """What the summaries add to the view, with the lines around them."""
    return scene.tokens - scene.measure(scene.view.rebuilt(_others(scene)), scene.summaries)


def _others(scene: Scene) -> list[Entry]:
    return [entry for entry in scene.view.head if not isinstance(entry, Summary)]
