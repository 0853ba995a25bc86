"""Planning with the rungs that need no drafter, beside LangChain's ContextEditingMiddleware."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks import Contest, Skipped, Table
from benchmarks._conversation import conversation
from benchmarks._stopwatch import Step, milliseconds, race, timed, times
from context_compaction import Budget, CompactionEvent, Message, Rule
from context_compaction.counting import TiktokenCounter, TokenCounter
from context_compaction.planner import Task, drive, plan
from context_compaction.planner.scene import opening_scene
from context_compaction.policy import Ladder, masking
from context_compaction.render.recording import log_window
from context_compaction.strategies import Extract, Strategy, Truncate
from context_compaction.strategies.base import Memo
from context_compaction.view import LogWindow, View

MESSAGES, REPETITIONS = 100, 200
FILLED = 0.95
"""Of the input budget: how full the view is when planning starts."""
PLAN, OPENING = "plan: three rungs, measured and checked", "  part: opening scene"
TRIGGERED, UNTRIGGERED = "ContextEditingMiddleware, triggered", "ContextEditingMiddleware, not triggered"


def run(data: Path | None, *, quick: bool = False) -> Table:  # noqa: ARG001 - the conversation is made here
    """Medians in milliseconds."""
    size, repetitions = (24, 2) if quick else (MESSAGES, REPETITIONS)
    counter = TiktokenCounter()
    said = conversation(size)
    log = log_window([Message.from_openai(data) for data in said], counter, references=False)
    tokens = sum(record.tokens for record in log.after(0))
    masked = _task(log, counter, masking(target=0.0))
    extracted, truncated = (_task(log, counter, Rule(Ladder(rung))) for rung in (Extract(), Truncate()))
    plans = {PLAN: masked, "plan: Extract": extracted, "plan: Truncate": truncated}
    opening = opening_scene(masked)
    alone = [rung for rung in masked.rule.ladder.rungs if isinstance(rung, Strategy)]
    parts: dict[str, Callable[[], object]] = {
        OPENING: lambda: opening_scene(masked),
        **{f"  part: {type(rung).__name__} alone": _applying(rung, opening) for rung in alone},
    }
    peers = _peers(said, tokens)
    steps = [timed(name, _planning(task)) for name, task in plans.items()]
    steps += [timed(name, call) for name, call in parts.items()]
    watch = race([*steps, *peers], repetitions)
    ours, theirs = [PLAN, *parts, *[name for name in plans if name != PLAN]], (TRIGGERED, UNTRIGGERED)
    rows = [[name, milliseconds(watch[name]), "1 ms" if name == PLAN else ""] for name in (*ours, *theirs)]
    rows += [[f"{peer} / plan", times(watch[peer] / watch[PLAN]), ""] for peer in theirs]
    done = " ".join(f"{name.removeprefix('plan: ')}: {_outcome(task)};" for name, task in plans.items())
    notes = [
        f"{repetitions} repetitions each in one run; {size} messages, {tokens} tokens by {counter.name}",
        f"each time a new plan from the log, target 0 so that the rungs do all they can. {done}",
        "the middleware copies all messages at each call; it is triggered at half of them",
    ]
    contest = Contest(PLAN, theirs, less=["median ms"])
    return Table("Planning on the CPU", ("", "median ms", "target"), rows, notes, [contest])


def _task(log: LogWindow, counter: TokenCounter, rule: Rule) -> Task:
    window = int(sum(record.tokens for record in log.after(0)) / FILLED)
    budget = Budget(context_window=window, reserve_tokens=0)
    return Task(View(), log, {}, budget, rule, "post_turn", "soft", counter)


def _planning(task: Task) -> Callable[[], CompactionEvent]:
    return lambda: drive(plan(task), _no_drafter).event


def _no_drafter(*_: object) -> Any:
    raise AssertionError("no rung here asks for a draft")


def _applying(rung: Strategy, scene: Any) -> Callable[[], View]:
    return lambda: rung.apply(replace(scene, memo=Memo()))


def _outcome(task: Task) -> str:
    event = _planning(task)()
    if event.tokens_after >= event.tokens_before:
        raise AssertionError(f"nothing to measure: {event.outcome}, {event.reason}")
    return f"{event.tokens_before} to {event.tokens_after} tokens"


def _peers(said: Sequence[dict[str, Any]], tokens: int) -> list[Step]:
    try:
        from langchain.agents.middleware import ClearToolUsesEdit, ContextEditingMiddleware, ModelRequest
        from langchain_core.language_models.fake_chat_models import FakeListChatModel
        from langchain_core.messages import convert_to_messages
    except ImportError:
        raise Skipped("langchain is not installed, so there is nothing to compare with") from None
    model: Any = FakeListChatModel(responses=["answer"])
    request: Any = ModelRequest(model=model, messages=convert_to_messages(said))

    def answered(request: Any) -> Any:
        return request

    def calling(trigger: int) -> Callable[[], object]:
        middleware: Any = ContextEditingMiddleware(edits=[ClearToolUsesEdit(trigger=trigger)])
        return lambda: middleware.wrap_model_call(request, answered)

    return [timed(TRIGGERED, calling(tokens // 2)), timed(UNTRIGGERED, calling(tokens * 10))]
