"""A plan made against an earlier log, judged again on today's: same head, longer tail, present pins."""

from __future__ import annotations

from dataclasses import replace

from context_compaction.invariants import Change, broken_invariant
from context_compaction.plan import CompactionPlan
from context_compaction.planner.instructions import next_pins
from context_compaction.planner.scene import opening_scene
from context_compaction.planner.task import Task


def rebased(task: Task, made: CompactionPlan) -> CompactionPlan:
    """The plan for ``task``'s log. It proposes nothing if it no longer saves tokens or breaks a promise."""
    if not made.proposes:
        return made
    opening = opening_scene(task)
    view = replace(made.view, pins=next_pins(task, made.view.head_end))
    summaries = {**task.summaries, **{record.id: record for record in made.summaries}}
    before = opening.measure(task.view, task.summaries)
    after = opening.measure(view, summaries)
    event = replace(made.event, tokens_before=before, tokens_after=after, at_seq=task.log.last_seq)
    change = Change(
        before=opening.view,
        after=view.settled(task.log),
        log=task.log,
        summaries=summaries,
        tokens_before=before,
        tokens_after=after,
        input_tokens=task.budget.input_tokens,
        hard=False,
        counter=task.counter,
        options=task.options,
    )
    problem = broken_invariant(change) or ("it no longer saves anything" if after >= before else None)
    if problem is None:
        return replace(made, view=view, event=event)
    kept = replace(event, outcome="nothing_to_do", reason=problem, tokens_after=before, writer=None)
    return CompactionPlan(task.view.version, task.view, (), kept)
