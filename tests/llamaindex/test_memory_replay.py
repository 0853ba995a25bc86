"""Whole conversations put into a memory message by message, what it shows judged before each answer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from context_compaction import Message
from llamaindex_compaction import CompactionMemory, from_llamaindex, to_llamaindex
from tests.data import Conversation, conversations, shipped
from tests.provider import check
from tests.replay import replay

WINDOWS = (4096, 8192, 32_768)


class Kept:
    """A memory, as a replay asks it."""

    def __init__(self, window: int, reserve: int) -> None:
        self._memory = CompactionMemory.from_defaults(token_limit=window - reserve)

    def append(self, messages: Sequence[dict[str, Any]]) -> None:
        self._memory.put_messages([to_llamaindex(Message.from_openai(message)) for message in messages])

    def context(self) -> list[Message]:
        """What is shown, which a provider takes, too."""
        shown = [from_llamaindex(message) for message in self._memory.get()]
        if shown and shown[-1].role != "assistant":
            check([message.to_openai() for message in shown])
        return shown

    def after_turn(self) -> None:
        """The memory has seen to it."""

    def history(self) -> list[Message]:
        return [from_llamaindex(message) for message in self._memory.get_all()]

    def expand(self, ref: str) -> list[Message]:
        return self._memory.session.expand(ref)

    @property
    def events(self) -> Sequence[Any]:
        return self._memory.session.events

    def close(self) -> None:
        self._memory.close()


def in_llamaindex(message: dict[str, Any]) -> dict[str, Any]:
    """What of a message LlamaIndex has a place for."""
    return from_llamaindex(to_llamaindex(Message.from_openai(message))).to_openai()


def judge(talk: Conversation, window: int) -> None:
    said = [in_llamaindex(message) for message in talk.messages]
    report = replay(said, Kept, window=window, name=talk.name, preset="layered", one_by_one=True)
    shown = [f"{problem.rule} | {problem.where} | {problem.what}" for problem in report.problems[:5]]
    assert not report.problems, f"{report.rules()}\n" + "\n".join(shown)
    assert report.requests > 0
    assert report.refused_share <= (0.02 if window == WINDOWS[0] else 0)


@pytest.mark.parametrize(
    "window",
    [pytest.param(window, marks=[pytest.mark.slow] * (window != WINDOWS[0])) for window in WINDOWS],
)
@pytest.mark.parametrize("talk", shipped(), ids=lambda talk: talk.name)
def test_conversations_that_ship(talk: Conversation, window: int):
    judge(talk, window)


@pytest.mark.parametrize(
    ("folder", "window"),
    [
        pytest.param(folder, window, marks=[pytest.mark.slow] * ((folder, window) != ("airline", 4096)))
        for folder in ("airline", "swe_agent", "agent_log")
        for window in WINDOWS
    ],
)
def test_recorded_conversations(folder: str, window: int, data_dir: Path):
    talks = list(conversations(data_dir / folder))
    assert talks
    for talk in talks:
        judge(talk, window)
