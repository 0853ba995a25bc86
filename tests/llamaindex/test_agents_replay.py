"""Whole conversations through our agents: no provider would reject any request, however long a turn is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.data import Conversation, conversations, shipped
from tests.llamaindex.driving import Driven, driven, turns

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of LlamaIndex's own agents
WINDOWS = (4096, 8192, 32_768)
KINDS = ("function", "workflow", "react")
SPEAKERS = ("user", "assistant")


async def drive(talk: Conversation, kind: str, window: int) -> Driven:
    run = driven(talk.messages, window, kind)
    for turn in turns(talk.messages):
        await run.turn(turn)
    return run


def judged(run: Driven, messages: list[dict[str, Any]]) -> None:
    """What was sent always fitted (the model says otherwise, loudly), and nothing that was said is gone."""
    assert run.llm.seen
    assert max(run.llm.sizes) <= run.llm.window
    assert all(error.floor_tokens > error.input_tokens for error in run.refused)
    session = run.memory.session
    assert len(session.branches()) == 1
    said = "\n".join(message.text for message in session.history())
    if not run.refused:
        missing = [each["content"] for each in messages if each["role"] in SPEAKERS and not _kept(each, said)]
        assert missing == []


def _kept(message: dict[str, Any], said: str) -> bool:
    text = message["content"] or ""
    return (
        text.strip() in said or text.replace("Action", "action").replace("Answer", "answer").strip() in said
    )


def compacted(run: Driven) -> bool:
    return any(event.committed for event in run.memory.session.events)


@pytest.mark.parametrize(
    ("kind", "window"), [("function", 4096), ("function", 8192), ("workflow", 4096), ("react", 4096)]
)
@pytest.mark.parametrize("talk", shipped(), ids=lambda talk: talk.name)
async def test_conversations_that_ship(talk: Conversation, kind: str, window: int):
    run = await drive(talk, kind, window)
    judged(run, talk.messages)
    assert run.refused == []
    too_long = {"data/harbour": WINDOWS, "data/workshop": WINDOWS[:1]}
    assert compacted(run) == (window in too_long.get(talk.name, ()))


@pytest.mark.parametrize(
    ("kind", "window"),
    [
        pytest.param(kind, window, marks=[pytest.mark.slow] * ((kind, window) != ("function", 4096)))
        for kind in KINDS
        for window in WINDOWS
    ],
)
@pytest.mark.parametrize("folder", ["airline", "swe_agent"])
async def test_recorded_conversations(folder: str, kind: str, window: int, data_dir: Path):
    talks = list(conversations(data_dir / folder))
    assert talks
    for talk in talks:
        judged(await drive(talk, kind, window), talk.messages)


@pytest.mark.slow
@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("kind", KINDS)
async def test_a_long_log_of_an_agent(kind: str, window: int, data_dir: Path):
    """Eighteen of its calls were never answered: the run ends there, and the user says something else."""
    [talk] = conversations(data_dir / "agent_log")
    run = await drive(talk, kind, window)
    judged(run, talk.messages)
    assert compacted(run)
    assert run.unanswered
    assert len(run.refused) <= len(run.llm.seen) // 20
