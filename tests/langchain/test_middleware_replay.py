"""Whole conversations through `create_agent` with our middleware: no provider would reject any request."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from tests.data import conversations, shipped
from tests.langchain.driving import THREAD, Driven, driven, turns
from tests.langchain.savers import asaver, saver

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


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("kind", ["memory", "sqlite"])
@pytest.mark.parametrize("talk", shipped(), ids=lambda talk: talk.name)
def test_conversations_that_ship(talk, kind, window, mode, tmp_path: Path):
    with saver(kind, tmp_path) as checkpointer:
        run = driven(talk.messages, window, checkpointer, mode=mode)
        for turn in turns(talk.messages):
            run.turn(turn)
        judged(run, talk.messages, run.agent.get_state(THREAD).values["messages"])
        assert run.refused == []
        too_long = {"data/harbour": WINDOWS, "data/workshop": WINDOWS[:1]}
        assert compacted(run) == (window in too_long.get(talk.name, ()))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("kind", ["memory", "sqlite"])
@pytest.mark.parametrize("talk", shipped(), ids=lambda talk: talk.name)
async def test_conversations_that_ship_async(talk, kind, window, mode, tmp_path: Path):
    async with asaver(kind, tmp_path) as checkpointer:
        run = driven(talk.messages, window, checkpointer, mode=mode)
        for turn in turns(talk.messages):
            await run.aturn(turn)
        state = (await run.agent.aget_state(THREAD)).values["messages"]
        judged(run, talk.messages, state)
        assert run.refused == []


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("folder", ["airline", "swe_agent"])
def test_recorded_conversations(folder, window, mode, data_dir: Path, tmp_path: Path):
    talks = list(conversations(data_dir / folder))
    assert talks
    for talk in talks:
        run = driven(talk.messages, window, InMemorySaver(), mode=mode)
        for turn in turns(talk.messages):
            run.turn(turn)
        judged(run, talk.messages, run.agent.get_state(THREAD).values["messages"])


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("way", ["sync", "async"])
async def test_a_long_log_of_an_agent(way, window, mode, data_dir: Path):
    """Eighteen of its calls were never answered: the agent stops there, and the user says something else."""
    [talk] = conversations(data_dir / "agent_log")
    run = driven(talk.messages, window, InMemorySaver(), mode=mode)
    for turn in turns(talk.messages):
        await (run.aturn(turn) if way == "async" else asyncio.to_thread(run.turn, turn))
    judged(run, talk.messages, run.agent.get_state(THREAD).values["messages"])
    assert compacted(run)
    assert len(run.refused) <= len(run.model.seen) // 20
