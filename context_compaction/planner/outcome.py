"""From what the rungs did to the report of the whole attempt."""

from __future__ import annotations

from context_compaction.events import CompactionEvent, FactCount, Outcome
from context_compaction.planner.climb import Climb
from context_compaction.planner.task import Task
from context_compaction.policy.sizes import in_tokens
from context_compaction.strategies import Scene, carried_texts, passage_of
from context_compaction.text.facts import hard_facts, missing
from context_compaction.view import Edited, SummaryRecord


def finished_event(task: Task, opening: Scene, climb: Climb, before: int, problem: str) -> CompactionEvent:
    """The event of a planned, not yet committed compaction."""
    shown = climb.scene.view.summaries
    fresh = [record for record in climb.summaries if record.id in shown]
    outcome, reason = _outcome(task, climb, before, fresh)
    failed = [*(name for draft in climb.drafts for name in draft.fell_back_from), *climb.rejected]
    why = "; ".join(dict.fromkeys(draft.reason for draft in climb.drafts if draft.reason))
    return CompactionEvent(
        trigger=task.side,
        level=task.level,
        outcome="nothing_to_do" if problem else outcome,
        tokens_before=before,
        tokens_after=climb.tokens,
        writer=fresh[-1].writer if fresh else None,
        fell_back_from=tuple(dict.fromkeys(failed)),
        reason=problem or reason or why,
        rungs=tuple(climb.reports),
        fidelity=min((record.fidelity for record in climb.summaries), default=None),
        facts=_facts(task, opening, climb.scene) if climb.drafts else None,
        version=task.view.version,
        at_seq=task.log.last_seq,
        removed=len(opening.shown()) - len(climb.scene.shown()),
        edited=len(_edits(climb.scene) - _edits(opening)),
    )


def _outcome(task: Task, climb: Climb, before: int, fresh: list[SummaryRecord]) -> tuple[Outcome, str]:
    freed = before - climb.tokens
    if climb.cancelled and not task.hard:
        return "cancelled", "the draft was cancelled"
    if freed <= 0:
        return ("skipped_budget", _note(climb)) if climb.skipped_budget else ("nothing_to_do", _note(climb))
    least = in_tokens(task.rule.min_reclaim, task.budget.input_tokens) or 0
    if task.level == "soft" and task.side in ("pre_turn", "post_turn") and freed < least:
        return "nothing_to_do", f"it would free {freed} tokens, less than min_reclaim ({least})"
    if climb.rejected or any(draft.fell_back_from for draft in climb.drafts):
        return "fell_back", _note(climb)
    if climb.skipped_budget:
        return "skipped_budget", _note(climb)
    if any(draft.is_model for draft in climb.drafts) and fresh:
        return "summarized", ""
    return "reduced", ""


def _facts(task: Task, opening: Scene, final: Scene) -> FactCount:
    """Where the hard facts of what left are now."""
    shown = {record.seq for record, _ in final.shown()}
    left = (passage_of(record) for record, _ in opening.shown() if record.seq not in shown)
    facts = {fact.key: fact for each in left for fact in hard_facts(each.text, role=each.role)}
    gone = len(missing(facts.values(), carried_texts(final)))
    archived = task.options.references
    return FactCount(len(facts) - gone, gone if archived else 0, 0 if archived else gone)


def _note(climb: Climb) -> str:
    return "; ".join(dict.fromkeys(report.note for report in climb.reports if report.note))


def _edits(scene: Scene) -> set[Edited]:
    return {entry for entry in scene.view.head if isinstance(entry, Edited)}
