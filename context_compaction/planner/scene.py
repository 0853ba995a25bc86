"""The opening scene of a planning run: what may be touched, what must stay, how far to go."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from context_compaction.groups import MessageGroup, message_groups
from context_compaction.planner.instructions import next_pins
from context_compaction.planner.task import Task
from context_compaction.policy.sizes import Size, in_tokens
from context_compaction.render import Meter
from context_compaction.strategies import Scene
from context_compaction.view import Entry, Gap, LogRecord, Pin, Summary, SummaryRecord, View

SUMMARY_SHARE = 0.15
"""Of the input: the most that a summary may take, and what HARD leaves room for beside the tail."""


def opening_scene(task: Task) -> Scene:
    """The scene in which the first rung plays.

    Asked for by hand under the target, a compaction lets go all but ``keep``: a person who asks wants it.
    """
    view = replace(task.view.settled(task.log), pins=next_pins(task))
    records = [record for record, _ in view.shown(task.log)]
    groups = message_groups(records)
    floor = floor_seqs(records, groups)
    users = [record.seq for record in records if record.message.role == "user"]
    system = frozenset(record.seq for record in records if record.message.is_system)
    scene = Scene(
        view=view,
        log=task.log,
        summaries=task.summaries,
        budget=task.budget,
        counter=task.counter,
        measure=_measure(task),
        goal=_goal(task),
        hard=task.hard,
        protected=floor,
        floor=floor,
        verbatim=system | _pinned(task.pins, records),
        pins=view.pins,
        turn_start=users[-1] if users else 0,
        next_summary=task.next_summary,
        tools=task.tools,
        focus=task.focus,
        redact=task.redact,
        drafter_window=task.drafter_window,
        references=task.options.references,
    )
    goal = 0 if task.side == "manual" and scene.tokens <= scene.goal else scene.goal
    return replace(scene, goal=goal, protected=floor | _tail(task, scene, groups))


def floor_seqs(records: Sequence[LogRecord], groups: Sequence[MessageGroup]) -> frozenset[int]:
    """What may never leave: system messages, newest user message, newest group, calls that are still open."""
    stay = {record.seq for record in records if record.message.is_system}
    users = [record.seq for record in records if record.message.role == "user"]
    stay.update(users[-1:])
    newest = max(groups, key=lambda group: group.last, default=None)
    stay.update(newest.seqs if newest else ())
    # Only foreign or late results may have come since: calls that can still be answered wait here too.
    open_batch = _open_batch(records)
    return frozenset(stay.union(*(group.seqs for group in groups if group.first == open_batch)))


def _open_batch(records: Sequence[LogRecord]) -> int | None:
    """Number of the message whose calls are still open, None when there is none."""
    last = next((record for record in reversed(records) if record.message.role != "tool"), None)
    if last is None or last.kind != "call":
        return None
    live = sum(record.kind == "live" and record.group == last.seq for record in records)
    return last.seq if live < len(last.message.tool_calls) else None


def least_view(scene: Scene) -> View:
    """The view with all gone that may go: the floor, unclamped."""
    return scene.view.rebuilt(_floor_entries(scene))


def _floor_entries(scene: Scene) -> Iterator[Entry]:
    for entry in scene.view.head:
        if isinstance(entry, Summary):
            yield from (Gap(first, last) for first, last in scene.summaries[entry.id].ranges)
        elif isinstance(entry, Gap) or entry.seq in scene.floor:
            yield entry
        else:
            yield Gap(entry.seq, entry.seq)


def _measure(task: Task) -> Callable[[View, Mapping[int, SummaryRecord]], int]:
    meter, scale = Meter(task.log, task.counter, task.options), task.scale
    return lambda view, summaries: scale(meter(view, summaries))


def _goal(task: Task) -> int:
    goal = task.rule.goal(task.budget.input_tokens)
    return min(goal, task.budget.input_tokens)


def _pinned(pins: Iterable[Pin], records: list[LogRecord]) -> frozenset[int]:
    wanted = {pin.seq for pin in pins}
    return frozenset(record.seq for record in records if record.seq in wanted) if wanted else frozenset()


def _tail(task: Task, scene: Scene, groups: Iterable[MessageGroup]) -> frozenset[int]:
    """The newest groups that ``keep`` covers; on HARD no more than fits beside floor and summary."""
    newest_first = sorted(groups, key=lambda group: group.last, reverse=True)
    tokens, room = scene.tokens_by_seq, _room(task, scene)
    seqs: set[int] = set()
    for size in task.rule.kept():
        seqs |= _newest(newest_first, tokens, size, room, task.budget.input_tokens)
    return frozenset(seqs)


def _room(task: Task, scene: Scene) -> int | None:
    """Tokens that the tail may take beyond the floor on HARD; None on SOFT: ``keep`` alone decides."""
    if not task.hard:
        return None
    reserved = int(SUMMARY_SHARE * task.budget.input_tokens) if task.rule.ladder.drafts else 0
    return max(0, task.budget.input_tokens - reserved - scene.measure(least_view(scene), scene.summaries))


def _newest(
    newest_first: list[MessageGroup],
    tokens: Mapping[int, int],
    size: Size,
    room: int | None,
    input_tokens: int,
) -> set[int]:
    limit = in_tokens(size, input_tokens)
    seqs: set[int] = set()
    spent = 0
    for group in newest_first:
        cost = sum(tokens[seq] for seq in group.seqs)
        full = len(seqs) >= size[1] if limit is None else spent + cost > limit
        if full or (room is not None and spent + cost > room):
            break
        seqs.update(group.seqs)
        spent += cost
    return seqs
