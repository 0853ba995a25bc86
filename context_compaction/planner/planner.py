"""The planner: a generator that yields draft requests, is sent drafts, and returns a plan.

Nothing here writes, waits or looks at a clock; a driver runs it synchronously, asynchronously or in the
background, and all three get the same plan for the same task and drafts.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

from context_compaction.drafting.base import DraftRequest, DraftResult
from context_compaction.errors import CannotCompact
from context_compaction.events import CompactionEvent
from context_compaction.invariants import Change, broken_invariant
from context_compaction.plan import CompactionPlan
from context_compaction.planner.climb import Climb, Steps
from context_compaction.planner.floor import floor_items
from context_compaction.planner.outcome import finished_event
from context_compaction.planner.scene import opening_scene
from context_compaction.planner.task import Task
from context_compaction.policy import Ladder, Rule
from context_compaction.strategies import Clamp, ClearToolResults, DropInstructions, Rung, Scene, Truncate

LAST_RESORT = "last resort"
PlanSteps = Generator[tuple[DraftRequest, ...], DraftResult, CompactionPlan]


def plan(task: Task) -> PlanSteps:
    """Plan one compaction. Raises `CannotCompact` when on HARD not even the floor fits."""
    opening = opening_scene(task)
    same = task.view.pins == opening.view.pins
    before = opening.tokens if same else opening.measure(task.view, task.summaries)
    climb = Climb(opening, opening.tokens, stop_on_cancel=not task.hard)
    yield from climb.run(rungs_for(task))
    if task.hard:
        yield from _make_fit(task, climb)
    if task.hard and climb.tokens > task.budget.input_tokens:
        raise CannotCompact(floor_items(climb.scene), task.budget.input_tokens)
    proposed = replace(climb.scene, view=replace(climb.scene.view, version=task.view.version + 1))
    problem = _problem(task, opening, proposed, climb, before)
    if problem and task.hard:
        return (yield from last_resort(task, problem))
    event = finished_event(task, opening, climb, before, problem or "")
    if event.outcome in ("nothing_to_do", "cancelled") or event.tokens_after >= before:
        return CompactionPlan(task.view.version, task.view, (), replace(event, tokens_after=before))
    return CompactionPlan(task.view.version, proposed.view, tuple(climb.summaries), event)


def rungs_for(task: Task) -> tuple[Rung, ...]:
    """Which rungs of the ladder run at this level on this side."""
    ladder = task.rule.ladder
    if task.hard:
        return ladder.whole()
    if task.side == "pre_turn" and not task.whole_ladder:
        return ladder.cheap()
    return ladder.whole()


def _make_fit(task: Task, climb: Climb) -> Steps:
    """HARD and still over: old messages go, the kept tail down to the floor; then clamp, drop heard pins.

    A message that pins itself is quoted once it is clamped, which may take more than that frees: hence again.
    """
    limit = task.budget.input_tokens
    if climb.tokens > limit:
        yield from climb.run([Truncate(summaries=False)])
    if climb.tokens > limit:
        climb.scene = replace(climb.scene, protected=climb.scene.floor, goal=limit)
        clear = [rung for rung in task.rule.ladder.rungs if isinstance(rung, ClearToolResults)]
        yield from climb.run([*clear, Truncate(), Clamp(), DropInstructions(), Clamp()])


def last_resort(task: Task, reason: str) -> PlanSteps:
    """HARD when a rung misbehaved: plan with nothing but truncation and clamping."""
    if task.rule.name == LAST_RESORT:
        raise AssertionError(f"truncation broke an invariant: {reason}")
    rule = Rule(Ladder(Truncate(), Clamp()), target=task.rule.target, keep=task.rule.keep, name=LAST_RESORT)
    made = yield from plan(replace(task, rule=rule))
    return replace(made, event=replace(made.event, reason=reason))


def _problem(task: Task, opening: Scene, proposed: Scene, climb: Climb, before: int) -> str | None:
    """Why the proposal must not be committed: a broken invariant, in words."""
    if proposed.view.head == opening.view.head:
        return None
    change = Change(
        before=opening.view,
        after=proposed.view,
        log=task.log,
        summaries=proposed.summaries,
        tokens_before=before,
        tokens_after=climb.tokens,
        input_tokens=task.budget.input_tokens,
        hard=task.hard,
        counter=task.counter,
        options=task.options,
    )
    return broken_invariant(change)


def plan_event(made: CompactionPlan, *, committed: bool) -> CompactionEvent:
    """The plan's report once it was committed, or not."""
    version = made.view.version if committed else made.base_version
    after = made.event.tokens_after if committed else made.event.tokens_before
    return replace(made.event, committed=committed, version=version, tokens_after=after)
