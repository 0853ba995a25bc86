"""Tiny conversations and the scenes that rungs play in."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from context_compaction.budget import Budget
from context_compaction.counting import CallableCounter, TokenCounter
from context_compaction.drafting.base import DraftRequest, DraftResult
from context_compaction.groups import message_groups
from context_compaction.invariants import COMMIT_INVARIANTS, Change, shrinks
from context_compaction.messages import Message
from context_compaction.render import Meter, RenderOptions
from context_compaction.render.recording import log_window
from context_compaction.strategies import DrafterStrategy, Proposal, Scene, Strategy
from context_compaction.view import Edited, LogWindow, Pin, SummaryRecord, View

Dict = dict[str, Any]


def user(text: str, **more: Any) -> Dict:
    """A user message."""
    return {"role": "user", "content": text, **more}


def assistant(text: str | None, *calls: Dict, **more: Any) -> Dict:
    """An assistant message, with calls if there are any."""
    return {"role": "assistant", "content": text, **({"tool_calls": list(calls)} if calls else {}), **more}


def call(call_id: str, name: str, arguments: Dict | str) -> Dict:
    """One tool call."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": text}}


def result(call_id: str, content: str, **more: Any) -> Dict:
    """A tool's answer."""
    return {"role": "tool", "tool_call_id": call_id, "content": content, **more}


def used(call_id: str, name: str, arguments: Dict | str, content: str, **more: Any) -> list[Dict]:
    """A call and its result."""
    return [assistant(None, call(call_id, name, arguments)), result(call_id, content, **more)]


def lines(count: int, word: str = "line") -> str:
    """Output of so many numbered lines."""
    return "\n".join(f"{word} {number} of the file" for number in range(1, count + 1))


def by_words() -> TokenCounter:
    """A counter that is easy to reckon with: a token each four characters."""
    return CallableCounter(lambda text: (len(text) + 3) // 4)


def window_of(
    messages: Sequence[Dict], counter: TokenCounter | None = None, *, references: bool = True
) -> LogWindow:
    """The messages as a log."""
    said = [Message.from_openai(data) for data in messages]
    return log_window(said, counter or by_words(), references=references)


def scene_of(
    messages: Sequence[Dict],
    *,
    goal: int = 0,
    hard: bool = False,
    keep: int = 0,
    window: int = 8192,
    pins: Sequence[int] = (),
    counter: TokenCounter | None = None,
    references: bool = True,
    summaries: Sequence[SummaryRecord] = (),
    view: View | None = None,
    **more: Any,
) -> Scene:
    """A scene over the whole log; ``keep``: messages of the tail that are protected with the floor."""
    counter = counter or by_words()
    log = window_of(messages, counter, references=references)
    records = list(log.records.values())
    pinned = tuple(Pin(f"m:{seq}", log[seq].message.text) for seq in pins)
    system = frozenset(record.seq for record in records if record.message.is_system)
    users = [record.seq for record in records if record.message.role == "user"]
    groups = message_groups(records)
    newest = max(groups, key=lambda group: group.last, default=None)
    floor = system | frozenset(users[-1:]) | frozenset(newest.seqs if newest else ())
    tail = {seq for group in groups if group.last > len(records) - keep for seq in group.seqs}
    meter = Meter(log, counter, RenderOptions(references=references))
    scene = Scene(
        view=replace((view or View()).settled(log), pins=pinned),
        log=log,
        summaries={summary.id: summary for summary in summaries},
        budget=Budget(context_window=window, reserve_tokens=0),
        counter=counter,
        measure=meter,
        goal=goal,
        hard=hard,
        protected=floor | tail,
        floor=floor,
        verbatim=system | frozenset(pins),
        pins=pinned,
        turn_start=users[-1] if users else 0,
        next_summary=1 + max((summary.id for summary in summaries), default=0),
        references=references,
    )
    return replace(scene, **more)


def after(scene: Scene, *rungs: Strategy) -> Scene:
    """The scene after these rungs, each run once whether it wants to or not."""
    for rung in rungs:
        scene = scene.with_view(rung.apply(scene))
    return scene


def edits(scene: Scene) -> dict[int, Edited]:
    """The edited messages by number."""
    return {edit.seq: edit for _, edit in scene.shown() if edit is not None}


def texts(scene: Scene) -> dict[int, str]:
    """What each message shown says."""
    return {
        record.seq: (record.shown.with_blocks(edit.blocks) if edit else record.shown).text
        for record, edit in scene.shown()
    }


def shown(scene: Scene) -> list[int]:
    """The numbers of the messages shown."""
    return [record.seq for record, _ in scene.shown()]


def drafted(
    rung: DrafterStrategy, scene: Scene, text: str | None, **more: Any
) -> tuple[list[DraftRequest], Proposal]:
    """Run a drafter rung, answering every request with ``text`` (None: the chain failed)."""
    steps, requests = rung.propose(scene), list[DraftRequest]()
    answer = DraftResult(
        None if text is None else (text,), **{"writer": "scripted", "is_model": True, **more}
    )
    try:
        requests += next(steps)
        while True:
            requests += steps.send(answer)
    except StopIteration as stop:
        return requests, stop.value


def problem(before: Scene, after: Scene) -> str | None:
    """The first promise of design §4 that a change of view breaks, in words."""
    change = Change(
        before=before.view,
        after=after.view,
        log=before.log,
        summaries={**before.summaries, **after.summaries},
        tokens_before=before.tokens,
        tokens_after=after.tokens,
        input_tokens=before.budget.input_tokens,
        hard=before.hard,
        counter=before.counter,
        options=RenderOptions(references=before.references),
    )
    for promise in COMMIT_INVARIANTS:
        # whether HARD fits is for the whole ladder, not for one rung
        judged = replace(change, hard=False) if promise is shrinks else change
        if (broken := promise(judged)) is not None:
            return f"{promise.__name__}: {broken}"
    return None
