"""Synchronous, asynchronous, background: the same bytes for the same commit positions."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from context_compaction import CannotCompact, Policy, Session, Usage, acompact, compact
from context_compaction.budget import Budget
from context_compaction.drafting.base import DraftRequest
from context_compaction.testing.drafters import RaisingDrafter, ScriptedDrafter
from tests.histories import histories
from tests.session.talks import dicts, session, turns, wire
from tests.session.waiting import background_done
from tests.windows import WORDS

History = list[list[dict[str, Any]]]
Trace = list[object]
WINDOW = 700


def quoting(request: DraftRequest) -> str:
    """A summary that depends on its whole request, context and all."""
    words = " ".join(passage.text for passage in request.passages).split()
    refs = f"{request.passages[0].ref} to {request.passages[-1].ref}, {len(request.context)} before"
    return f"## Current State\n- {request.kind} {refs}: " + " ".join(words[:: max(1, len(words) // 20)][:20])


def drafters() -> st.SearchStrategy[Callable[[], Any]]:
    return st.sampled_from([lambda: ScriptedDrafter(quoting), RaisingDrafter, lambda: None])


def make(preset: str, drafter: object, post_turn: Literal["inline", "background"] = "inline") -> Session:
    options: dict[str, Any] = {"fidelity_floor": 0.0} if preset in ("layered", "anchored") else {}
    policy = Policy.named(preset, **options)
    return session(window=WINDOW, policy=policy, drafter=drafter, post_turn=post_turn)


def shown(make_context: Callable[[], Any]) -> object:
    try:
        return wire(make_context())
    except CannotCompact as error:
        return error.items


def ended(s: Session) -> Trace:
    """All that a session leaves behind but the milliseconds."""
    events = [
        (e.trigger, e.outcome, e.writer, e.rungs, e.tokens_after, e.committed, e.at_seq) for e in s.events
    ]
    return [events, s.view, dicts(s.history())]


def synchronous(history: History, s: Session) -> Trace:
    trace: Trace = []
    for batch in history:
        s.append(batch)
        trace.append(shown(s.context))
        size = s.stats.tokens_seen
        s.after_turn(Usage(size + 5))
        background_done(s)
    trace.append(shown(s.context))
    return [*trace, *ended(s)]


async def asynchronous(history: History, s: Session) -> Trace:
    trace: Trace = []
    for batch in history:
        await s.aappend(batch)
        try:
            trace.append(wire(await s.acontext()))
        except CannotCompact as error:
            trace.append(error.items)
        size = s.stats.tokens_seen
        await s.aafter_turn(Usage(size + 5))
        background_done(s)
    trace.append(shown(s.context))
    return [*trace, *ended(s)]


def run(work: Coroutine[Any, Any, Trace]) -> Trace:
    return asyncio.run(work)


PRESETS = ["layered", "anchored", "masking", "truncating", "extractive"]


@given(histories(12), st.sampled_from(PRESETS), drafters())
@settings(max_examples=40)
def test_sync_and_async_give_the_same_bytes(
    history: History, preset: str, drafter: Callable[[], Any]
) -> None:
    """Every context, event, view and refusal; inline and in the background alike."""
    for post_turn in ("inline", "background"):
        sync = synchronous(history, make(preset, drafter(), post_turn))
        assert run(asynchronous(history, make(preset, drafter(), post_turn))) == sync


@given(histories(12), st.sampled_from(PRESETS), drafters())
@settings(max_examples=40)
def test_background_gives_the_bytes_of_a_compaction_at_the_same_place(
    history: History, preset: str, drafter: Callable[[], Any]
) -> None:
    """Committed before anything else came, a background plan is the inline one."""
    inline, behind = make(preset, drafter()), make(preset, drafter(), "background")
    for batch in history:
        for s in (inline, behind):
            s.append(batch)
        assert shown(inline.context) == shown(behind.context)
        inline.after_turn()
        behind.after_turn()
        background_done(behind)
        behind.drain(0)
        assert inline.view == behind.view
    assert shown(inline.context) == shown(behind.context)
    assert ended(inline) == ended(behind)


@given(histories(8), st.sampled_from(PRESETS), drafters())
@settings(max_examples=30)
def test_stateless_twins_agree(history: History, preset: str, drafter: Callable[[], Any]) -> None:
    """`compact` and `acompact`: the same messages, or the same refusal."""
    said: Sequence[dict[str, Any]] = [message for batch in history for message in batch]
    options: dict[str, Any] = {"budget": Budget(WINDOW, 0), "policy": Policy.named(preset), "counter": WORDS}
    try:
        messages, event = compact(said, drafter=drafter(), **options)
    except CannotCompact as refusal:
        with pytest.raises(CannotCompact, match=re.escape(str(refusal))):
            asyncio.run(acompact(said, drafter=drafter(), **options))
        return
    theirs, told = asyncio.run(acompact(said, drafter=drafter(), **options))
    assert wire(theirs) == wire(messages)
    assert (told.outcome, told.rungs) == (event.outcome, event.rungs)
    assert WORDS.messages(messages) <= WINDOW


def test_the_drivers_do_compact_and_draft() -> None:
    """The comparison above is not one of empty lists: this conversation is drafted for, several times."""
    drafter = ScriptedDrafter(quoting)
    history = [turns(number, 2, words=30) for number in range(20)]
    trace = synchronous(history, make("layered", drafter, "background"))
    assert len(drafter.requests) >= 3
    assert run(asynchronous(history, make("layered", ScriptedDrafter(quoting), "background"))) == trace
