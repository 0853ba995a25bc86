"""Whole conversations through `create_agent` with our middleware: no provider would reject any request."""

from __future__ import annotations

import asyncio
from collections import Counter
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.data import conversations, shipped
from tests.langchain.driving import THREAD, Driven, driven, turns
from tests.langchain.savers import KINDS, Savers

WINDOWS = (4096, 8192, 32_768)
MODES = ("view", "replace")
SPEAKERS = ("user", "assistant")
ROLES = {"human": "user", "ai": "assistant", "tool": "tool"}


def judged(run: Driven, messages: list[Any], state: list[Any]) -> None:
    """Nothing that was said is gone, from state or archive, and what was sent always fitted."""
    session = run.middleware.session(THREAD)
    said = [(each.role, each.text) for each in session.history()]
    if run.mode == "view":
        assert said == [(ROLES[each.type], str(each.text)) for each in state]
    else:
        bounded(run, state)
    recorded = Counter((each["role"], each["content"] or "") for each in messages if each["role"] in SPEAKERS)
    assert run.refused or not recorded - Counter(said)
    assert len(session.branches()) == 1
    assert run.model.overflows == 0
    assert all(error.floor_tokens > error.input_tokens for error in run.refused)


def bounded(run: Driven, state: list[Any]) -> None:
    """The state holds what the model was last shown, its answer, and what came of that; ids as they were."""
    session = run.middleware.session(THREAD)
    ids = [each.id for each in session.history()]
    own = [each for each in state if "compaction_context" not in each.additional_kwargs]
    assert [each.id for each in own] == sorted((each.id for each in own), key=ids.index)
    assert len(state) - len(own) <= 1
    assert {each.id for each in run.model.seen[-1]} >= {each.id for each in own[:-NEW]} or run.refused


NEW = 20
"""So many messages may have come since the model was last asked: its calls, and their results."""


def compacted(run: Driven) -> bool:
    return any(event.committed for event in run.middleware.session(THREAD).events)


class Way(NamedTuple):
    """How an agent runs, and keeps its state."""

    driver: str
    saver: str
    mode: str


WAYS = [Way(*each) for each in product(("sync", "async"), KINDS, MODES)]
QUICK = [
    *product(WINDOWS, [Way("sync", "memory", "view")]),
    *product(WINDOWS[:1], [Way("async", "sqlite", "view"), Way("sync", "sqlite", "replace")]),
    *product(WINDOWS[:1], [Way("async", "postgres", "replace"), Way("sync", "postgres", "view")]),
]
"""The others are slow."""
EACH = [
    pytest.param(*each, marks=[] if each in QUICK else pytest.mark.slow, id=f"{each[0]}-{'-'.join(each[1])}")
    for each in product(WINDOWS, WAYS)
]


async def replay(run: Driven, talk: Any, way: Way) -> None:
    for turn in turns(talk.messages):
        await (run.aturn(turn) if way.driver == "async" else asyncio.to_thread(run.turn, turn))
    kept = await run.agent.aget_state(THREAD) if way.driver == "async" else run.agent.get_state(THREAD)
    judged(run, talk.messages, kept.values["messages"])


async def replayed(talk: Any, window: int, savers: Savers, way: Way) -> Driven:
    """The whole conversation, driven and judged."""
    if way.driver == "async":
        async with savers.aopen(way.saver) as checkpointer:
            run = driven(talk.messages, window, checkpointer, mode=way.mode)
            await replay(run, talk, way)
    else:
        with savers.open(way.saver) as checkpointer:
            run = driven(talk.messages, window, checkpointer, mode=way.mode)
            await replay(run, talk, way)
    return run


@pytest.mark.parametrize(("window", "way"), EACH)
@pytest.mark.parametrize("talk", shipped(), ids=lambda talk: talk.name)
async def test_conversations_that_ship(talk, window: int, way: Way, savers: Savers):
    run = await replayed(talk, window, savers, way)
    assert run.refused == []
    too_long = {"data/harbour": WINDOWS, "data/workshop": WINDOWS[:1]}
    assert compacted(run) == (window in too_long.get(talk.name, ()))


@pytest.mark.parametrize(("window", "way"), EACH)
@pytest.mark.parametrize("folder", ["airline", "swe_agent"])
async def test_recorded_conversations(folder, window: int, way: Way, savers: Savers, data_dir: Path):
    talks = list(conversations(data_dir / folder))
    assert talks
    for talk in talks:
        await replayed(talk, window, savers.within(talk.name.replace("/", "-")), way)


@pytest.mark.slow
@pytest.mark.parametrize(("window", "way"), EACH)
async def test_a_long_log_of_an_agent(window: int, way: Way, savers: Savers, data_dir: Path):
    """Eighteen of its calls were never answered: the agent stops there, and the user says something else."""
    [talk] = conversations(data_dir / "agent_log")
    run = await replayed(talk, window, savers, way)
    assert compacted(run)
    assert len(run.refused) <= len(run.model.seen) // 20
