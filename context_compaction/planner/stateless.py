"""`compact` and `acompact`: the same planner without an archive. No references, no recall hints."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from context_compaction.budget import Budget
from context_compaction.counting import TokenCounter
from context_compaction.drafting import DrafterChain, DrafterLike
from context_compaction.errors import InvalidMessage
from context_compaction.events import CompactionEvent, Level
from context_compaction.groups import Pairing
from context_compaction.messages import Message
from context_compaction.plan import CompactionPlan
from context_compaction.planner.drivers import Steps, adrive, drive
from context_compaction.planner.planner import plan, plan_event
from context_compaction.planner.task import Task
from context_compaction.policy import Policy, Rule, layered
from context_compaction.render import Renderer, RenderOptions
from context_compaction.render.recording import record_of
from context_compaction.tools import ToolRules
from context_compaction.view import LogRecord, LogWindow, Pin, View

Compacted = tuple[list[Message], CompactionEvent]
_OPTIONS = RenderOptions(references=False)


def compact(
    messages: Sequence[Message | Mapping[str, Any]],
    *,
    budget: Budget,
    policy: Policy | None = None,
    drafter: DrafterLike = None,
    counter: TokenCounter | Callable[[str], int] | str | None = None,
    tools: ToolRules | None = None,
    is_pinned: Callable[[Message], bool] | None = None,
) -> Compacted:
    """Make messages fit, once, without keeping anything: the pre-turn rule, its whole ladder on SOFT too.

    Returns the messages that a model should see and the report. Raises `CannotCompact` when the floor
    does not fit, `InvalidMessage` for a message that cannot be read.
    """
    counting = TokenCounter.of(counter)
    chain = DrafterChain.of(drafter, counting)
    steps = _steps(messages, budget, policy, counting, chain, tools, is_pinned)
    return drive(steps, chain.start)


async def acompact(
    messages: Sequence[Message | Mapping[str, Any]],
    *,
    budget: Budget,
    policy: Policy | None = None,
    drafter: DrafterLike = None,
    counter: TokenCounter | Callable[[str], int] | str | None = None,
    tools: ToolRules | None = None,
    is_pinned: Callable[[Message], bool] | None = None,
) -> Compacted:
    """`compact` on the running event loop: drafts do not block it."""
    counting = TokenCounter.of(counter)
    chain = DrafterChain.of(drafter, counting)
    steps = _steps(messages, budget, policy, counting, chain, tools, is_pinned)
    return await adrive(steps, chain.start)


def _steps(
    messages: Sequence[Message | Mapping[str, Any]],
    budget: Budget,
    policy: Policy | None,
    counter: TokenCounter,
    chain: DrafterChain,
    tools: ToolRules | None,
    is_pinned: Callable[[Message], bool] | None,
) -> Steps[Compacted]:
    began = time.perf_counter()
    chosen = policy or Policy.layered()
    rule = chosen.pre_turn or Rule(layered().ladder, trigger=1.0, name="none")
    window = log_window(read_messages(messages), counter)
    rendered = Renderer(View(), window, {}, counter, _OPTIONS)
    level = _level(rule, rendered, budget, enabled=chosen.enabled)
    made = CompactionPlan(0, View(), (), _nothing(level, rendered.tokens, window.last_seq))
    if level != "none":
        pins = tuple(
            Pin(f"m:{record.seq}", record.message.text)
            for record in window.after(0)
            if is_pinned is not None and is_pinned(record.message)
        )
        task = Task(
            view=View(),
            log=window,
            summaries={},
            budget=budget,
            rule=rule,
            side="stateless",
            level=level,
            counter=counter,
            pins=pins,
            tools=tools or ToolRules(),
            options=_OPTIONS,
            drafter_window=chain.window,
            whole_ladder=True,
        )
        made = yield from plan(task)
    if made.proposes:
        summaries = {record.id: record for record in made.summaries}
        rendered = Renderer(made.view, window, summaries, counter, _OPTIONS)
    event = replace(plan_event(made, committed=made.proposes), ms=(time.perf_counter() - began) * 1000)
    return rendered.messages, event


def read_messages(messages: Sequence[Message | Mapping[str, Any]]) -> list[Message]:
    """Messages as `Message` objects. Raises `InvalidMessage` with the index of the first bad one."""
    given = [messages] if isinstance(messages, (Message, Mapping)) else messages
    out: list[Message] = []
    for index, message in enumerate(given):
        try:
            out.append(message if isinstance(message, Message) else Message.from_openai(message))
        except InvalidMessage as error:
            raise InvalidMessage(error.reason, index) from None
    return out


def log_window(messages: Sequence[Message], counter: TokenCounter) -> LogWindow:
    """Messages as a log of their own, numbered from 1."""
    pairing, records, synthetics = Pairing(), dict[int, LogRecord](), dict[int, tuple[str, ...]]()
    for seq, message in enumerate(messages, start=1):
        placement = pairing.place(seq, message)
        for call in placement.closed:
            synthetics[call.seq] = (*synthetics.get(call.seq, ()), call.call_id)
        records[seq] = record_of(seq, message, placement, counter, references=False)
    return LogWindow(records, len(records), synthetics)


def _level(rule: Rule, rendered: Renderer, budget: Budget, *, enabled: bool) -> Level:
    if not enabled:
        return "none"
    if rendered.tokens > budget.input_tokens:
        return "hard"
    fires = rule.fires(rendered.tokens, len(rendered.messages), budget.input_tokens)
    return "soft" if fires else "none"


def _nothing(level: Level, tokens: int, last_seq: int) -> CompactionEvent:
    return CompactionEvent("stateless", level, "nothing_to_do", tokens, tokens, at_seq=last_seq)
