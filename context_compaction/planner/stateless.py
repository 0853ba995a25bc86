"""`compact` and `acompact`: the same planner without an archive. No references, no recall hints."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from context_compaction.budget import Budget
from context_compaction.counting import TokenCounter
from context_compaction.drafting import DrafterChain, DrafterLike
from context_compaction.errors import InvalidMessage
from context_compaction.events import CompactionEvent, Level
from context_compaction.messages import Message, MessageList
from context_compaction.messages.openai import check_raw
from context_compaction.planner.drivers import Steps, adrive, drive
from context_compaction.planner.planner import plan, plan_event
from context_compaction.planner.switch import off_reason, switched_off
from context_compaction.planner.task import Task
from context_compaction.policy import Policy, Rule, StandingInstructions, pre_turn_rule
from context_compaction.render import Renderer, RenderOptions
from context_compaction.render.recording import log_window
from context_compaction.tools import ToolRules
from context_compaction.view import LogWindow, Pin, View

Compacted = tuple[MessageList, CompactionEvent]
_OPTIONS = RenderOptions(references=False)
logger = logging.getLogger(__name__)


def compact(
    messages: Sequence[Message | Mapping[str, Any]],
    *,
    budget: Budget,
    policy: Policy | None = None,
    drafter: DrafterLike = None,
    counter: TokenCounter | Callable[[str], int] | str | None = None,
    tools: ToolRules | None = None,
    is_pinned: Callable[[Message], bool] | None = None,
    context_management: Sequence[Mapping[str, Any]] | None = None,
    redactor: Callable[[str], str] | None = None,
) -> Compacted:
    """Make messages fit, once, without keeping anything: the pre-turn rule, its whole ladder on SOFT too.

    ``context_management``: the trigger of this call, as providers take it. ``redactor``: what every text goes
    through before a drafter reads it, and every summary (`redact_secrets`, say). Returns the messages that a
    model should see and the report. Raises `CannotCompact` when the floor does not fit, `InvalidMessage` for
    a message that cannot be read, `InvalidPolicy` for an edit that means nothing.
    """
    counting = TokenCounter.of(counter)
    chain = DrafterChain.of(drafter, counting)
    chosen = policy or Policy.layered()
    log = _Log.of(messages, counting, is_pinned, chosen)
    call = _Call.of(budget, chosen, tools or ToolRules(), context_management, redactor)
    rendered, event = drive(_steps(log, call, chain), chain.start)
    return MessageList(rendered.messages), event


async def acompact(
    messages: Sequence[Message | Mapping[str, Any]],
    *,
    budget: Budget,
    policy: Policy | None = None,
    drafter: DrafterLike = None,
    counter: TokenCounter | Callable[[str], int] | str | None = None,
    tools: ToolRules | None = None,
    is_pinned: Callable[[Message], bool] | None = None,
    context_management: Sequence[Mapping[str, Any]] | None = None,
    redactor: Callable[[str], str] | None = None,
) -> Compacted:
    """`compact` on the running event loop: drafts do not block it."""
    counting = TokenCounter.of(counter)
    chain = DrafterChain.of(drafter, counting)
    chosen = policy or Policy.layered()
    log = _Log.of(messages, counting, is_pinned, chosen)
    call = _Call.of(budget, chosen, tools or ToolRules(), context_management, redactor)
    rendered, event = await adrive(_steps(log, call, chain), chain.start)
    return MessageList(rendered.messages), event


def cut_to_fit(
    messages: Sequence[Message], budget: Budget, policy: Policy, counter: TokenCounter
) -> Renderer:
    """`compact` without drafts; ``seqs`` of what it gives are places in the list, counted from 1."""
    chain = DrafterChain.of(None, counter)
    log = _Log.of(messages, counter, None, policy)
    return drive(_steps(log, _Call.of(budget, policy, ToolRules(), None, None), chain), chain.start)[0]


@dataclass(frozen=True, slots=True)
class _Call:
    """What this call asks for."""

    budget: Budget
    rule: Rule
    tools: ToolRules
    off: bool
    instructions: StandingInstructions | None
    redact: Callable[[str], str] | None

    @classmethod
    def of(
        cls,
        budget: Budget,
        policy: Policy,
        tools: ToolRules,
        context_management: Sequence[Mapping[str, Any]] | None,
        redact: Callable[[str], str] | None,
    ) -> _Call:
        rule = pre_turn_rule(policy, context_management).rule
        return cls(budget, rule, tools, switched_off(policy), policy.instructions, redact)


@dataclass(frozen=True, slots=True)
class _Log:
    """Messages as a log of their own, and how they render while nothing has left."""

    window: LogWindow
    pins: tuple[Pin, ...]
    counter: TokenCounter
    whole: Renderer

    @classmethod
    def of(
        cls,
        messages: Sequence[Message | Mapping[str, Any]],
        counter: TokenCounter,
        is_pinned: Callable[[Message], bool] | None,
        policy: Policy,
    ) -> _Log:
        cues = policy.instructions.cues if policy.instructions else ()
        window = log_window(read_messages(messages), counter, references=False, cues=cues)
        pins = [
            Pin.of(record.seq, record.message)
            for record in window.after(0)
            if is_pinned is not None and is_pinned(record.message)
        ]
        return cls(window, tuple(pins), counter, Renderer(View(), window, {}, counter, _OPTIONS))


def _steps(log: _Log, call: _Call, chain: DrafterChain) -> Steps[tuple[Renderer, CompactionEvent]]:
    began = time.perf_counter()
    rule, budget = call.rule, call.budget
    level = rule.level(log.whole.tokens, len(log.whole.messages), budget.input_tokens)
    if call.off or level == "none":
        event = _untouched(log, level, budget, off=call.off)
        return log.whole, replace(event, ms=_since(began))
    task = Task(
        view=View(),
        log=log.window,
        summaries={},
        budget=budget,
        rule=rule,
        side="stateless",
        level=level,
        counter=log.counter,
        pins=log.pins,
        instructions=call.instructions,
        tools=call.tools,
        options=_OPTIONS,
        redact=call.redact,
        drafter_window=chain.window,
        whole_ladder=True,
    )
    made = yield from plan(task)
    summaries = {record.id: record for record in made.summaries}
    rendered = Renderer(made.view, log.window, summaries, log.counter, _OPTIONS)
    event = plan_event(made, committed=made.proposes)
    return rendered, replace(event, ms=_since(began))


def listed(
    messages: Sequence[Message | Mapping[str, Any]] | Message | Mapping[str, Any],
) -> Sequence[Message | Mapping[str, Any]]:
    """A single message as a list of one. Raises `InvalidMessage` for what is neither."""
    if isinstance(messages, (Message, Mapping)):
        return [messages]
    if not isinstance(messages, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance] - callers may be untyped
        raise InvalidMessage(f"expected a list of messages, or one message, not {type(messages).__name__}")
    return messages


def read_messages(
    messages: Sequence[Message | Mapping[str, Any]] | Message | Mapping[str, Any],
) -> list[Message]:
    """Messages as `Message` objects. Raises `InvalidMessage` with the index of the first bad one."""
    out: list[Message] = []
    for index, message in enumerate(listed(messages)):
        try:
            if isinstance(message, Message):
                check_raw(message)
            out.append(message if isinstance(message, Message) else Message.from_openai(message))
        except InvalidMessage as error:
            raise InvalidMessage(error.reason, index) from None
    return out


def _untouched(log: _Log, level: Level, budget: Budget, *, off: bool) -> CompactionEvent:
    """The report when all messages are given back as they are; over the budget it warns."""
    tokens = log.whole.tokens
    event = CompactionEvent("stateless", level, "nothing_to_do", tokens, tokens, at_seq=log.window.last_seq)
    if not off or level != "hard":
        return replace(event, level="none")
    reason = off_reason(tokens, budget.input_tokens)
    logger.warning("%s", reason)
    return replace(event, outcome="infeasible", reason=reason)


def _since(began: float) -> float:
    return (time.perf_counter() - began) * 1000
