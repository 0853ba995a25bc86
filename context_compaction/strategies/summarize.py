"""`Summarize`: one new summary stands for exactly the groups that leave."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from context_compaction.drafting.base import DraftRequest, DraftResult, Passage
from context_compaction.errors import InvalidPolicy
from context_compaction.groups import MessageGroup
from context_compaction.schema import SECTIONS, Section
from context_compaction.strategies.base import DrafterStrategy, DraftSteps, Proposal, Scene
from context_compaction.strategies.gate import (
    FACTS_SHARE,
    Gate,
    carried_texts,
    checked_floor,
    checked_share,
    under_floor,
)
from context_compaction.strategies.passages import passage_of
from context_compaction.strategies.truncate import leave
from context_compaction.text.facts import fidelity
from context_compaction.text.verbatim import split_block
from context_compaction.view import Summary, SummaryRecord, View, ranges_of

LEAST, MOST = 256, 2048
"""Tokens between which a summary's cap lies, before what the input and the source bear."""
WORTHWHILE = 96
"""A cap below this many tokens is not worth a draft."""
INPUT_SHARE, SOURCE_SHARE = 0.15, 0.5


class Summarize(DrafterStrategy):
    """All groups that may leave do, and one summary of generation 0 stands for them.

    Earlier summaries go to the drafter as context only. Hard facts that neither the draft nor what stays in
    view carries are listed behind it, in ``facts_share`` of the cap and what the draft left of it; 0 lists
    none. A model's draft that with them carries less than ``fidelity_floor`` of the hard facts is not used,
    nor is any that would save nothing: the view stays as it is, and the ladder goes on. ``max_tokens`` caps
    the summary besides the built-in rule; ``sections`` stands for the seven. Raises `InvalidPolicy` for a
    floor outside 0 to 1, a cap under 96 or a share over .5.
    """

    name = "summarize"

    def __init__(
        self,
        *,
        fidelity_floor: float = 0.5,
        max_tokens: int | None = None,
        sections: Sequence[Section] = SECTIONS,
        facts_share: float = FACTS_SHARE,
    ) -> None:
        if max_tokens is not None and max_tokens < WORTHWHILE:
            raise InvalidPolicy(f"max_tokens is {max_tokens}; a summary needs at least {WORTHWHILE}")
        self.fidelity_floor = checked_floor(fidelity_floor)
        self.max_tokens = max_tokens
        self.sections = tuple(sections)
        self.facts_share = checked_share(facts_share)

    def propose(self, scene: Scene) -> DraftSteps:
        """Ask for one draft and put it in the place of what leaves."""
        source = _Source.of(scene)
        if not source.seqs:
            return Proposal(scene.view, note="no message may leave")
        cap = self._cap(scene, source)
        if cap < WORTHWHILE:
            note = f"a summary of {source.tokens} tokens could have {max(0, cap)}, less than {WORTHWHILE}"
            return Proposal(scene.view, note=note, skipped_budget=True)
        passages = source.passages(scene)
        carried = [scene.redacted(text) for text in carried_texts(scene, source.seqs)]
        gate = Gate.of(passages, carried, scene.counter, cap=cap, share=self.facts_share)
        result = yield (self._request(scene, passages, gate.asked),)
        if not result.texts:
            return Proposal(scene.view, draft=result, note=result.reason or "no draft")
        text = gate.closed(scene.redacted(result.texts[0]))
        share = fidelity([each.text for each in passages], [text, *carried])
        record = _record(scene, source, result, text, share)
        return self._judged(scene, source, result, record)

    def _cap(self, scene: Scene, source: _Source) -> int:
        """Tokens that the summary may have."""
        cap = summary_cap(source.tokens, scene.budget.context_window, scene.drafter_window)
        input_tokens = scene.budget.input_tokens
        limits = [int(INPUT_SHARE * input_tokens), int(SOURCE_SHARE * source.tokens)]
        if self.max_tokens is not None:
            limits.append(self.max_tokens)
        if scene.hard:
            empty = _record(scene, source, DraftResult(None), "", 0.0)
            limits.append(input_tokens - _tokens_with(scene, source, empty))
        return min(cap, *limits)

    def _request(self, scene: Scene, passages: tuple[Passage, ...], max_tokens: int) -> DraftRequest:
        earlier = (split_block(scene.summaries[number].text)[0] for number in scene.view.summaries)
        context = tuple(map(scene.redacted, earlier))
        return scene.asking(
            DraftRequest("summary", passages, max_tokens, context=context, sections=self.sections)
        )

    def _judged(self, scene: Scene, source: _Source, result: DraftResult, record: SummaryRecord) -> Proposal:
        """The proposal with the summary, or without it and with the reason why."""
        if not record.text.strip():
            return Proposal(scene.view, draft=result, note="nothing is left of the draft but a list of facts")
        after = _tokens_with(scene, source, record)
        if flaw := under_floor(record, result, self.fidelity_floor):
            return Proposal(scene.view, draft=result, note=flaw)
        if after >= scene.tokens:
            return Proposal(scene.view, draft=result, note="the summary would save nothing")
        return Proposal(_view_with(scene, source, record), (record,), result)


def summary_cap(source_tokens: int, context_window: int, drafter_window: int | None) -> int:
    """Tokens for a summary: ten times the source's root, bounded by the window and by the drafter's."""
    bounds = [int(10 * math.sqrt(source_tokens)), context_window // 10]
    if drafter_window is not None:
        bounds.append(drafter_window // 4)
    return min(max(LEAST, min(bounds)), MOST)


@dataclass(frozen=True, slots=True)
class _Source:
    """What leaves."""

    groups: tuple[MessageGroup, ...]
    seqs: tuple[int, ...]
    """In log order."""
    tokens: int
    """As they are shown now."""

    @classmethod
    def of(cls, scene: Scene) -> _Source:
        groups = tuple(scene.movable())
        seqs = sorted(seq for group in groups for seq in group.seqs)
        return cls(groups, tuple(seqs), sum(map(scene.group_tokens, groups)))

    def passages(self, scene: Scene) -> tuple[Passage, ...]:
        """What a drafter reads of it."""
        records = (scene.log[seq] for seq in self.seqs)
        return tuple(passage_of(each, references=scene.references, redact=scene.redacted) for each in records)


def _record(scene: Scene, source: _Source, result: DraftResult, text: str, share: float) -> SummaryRecord:
    return SummaryRecord(
        id=scene.next_summary,
        text=text,
        tokens=scene.counter.text(text),
        generation=0,
        ranges=ranges_of(list(source.seqs)),
        writer=result.writer or "extractive",
        fidelity=share,
    )


def _view_with(scene: Scene, source: _Source, record: SummaryRecord) -> View:
    return leave(scene, source.groups, [Summary(record.id)])


def _tokens_with(scene: Scene, source: _Source, record: SummaryRecord) -> int:
    """Tokens of the view with this summary in it."""
    return scene.measure(_view_with(scene, source, record), {**scene.summaries, record.id: record})
