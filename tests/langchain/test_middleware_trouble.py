"""What goes wrong around an agent: providers, archives, drafters. Its turn goes on."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from langchain.agents.middleware import SummarizationMiddleware
from langchain_core.exceptions import ContextOverflowError
from langchain_core.messages import AIMessageChunk, HumanMessage
from langgraph.checkpoint.memory import InMemorySaver

from context_compaction import ArchiveUnavailable, CannotCompact, Policy, SummaryDrafter, open_archive
from context_compaction.policy import layered
from context_compaction.testing.drafters import ScriptedDrafter
from langchain_compaction import CompactionMiddleware
from tests.langchain.asking import THREAD, asking, chat, texts
from tests.langchain.strict import StrictModel

# -- the provider counts otherwise than we do ----------------------------------------------------------------


def test_a_request_that_is_too_long_for_the_provider_is_made_shorter_once():
    run = asking(window=8192, model=StrictModel(window=2000, reports_usage=False))
    sent = run.ask(*chat(40), HumanMessage("and?"))
    assert run.model.overflows == 1
    assert sent[-1].text == "and?"
    assert [each.text for each in run.session.history()] == [each.text for each in run.state]
    for turn in chat(40)[::2]:
        run.ask(turn)
    assert run.model.overflows <= 2  # it is remembered


async def test_a_request_that_is_too_long_async():
    run = asking(window=8192, model=StrictModel(window=2000, reports_usage=False))
    await run.aask(*chat(40), HumanMessage("and?"))
    assert run.model.overflows == 1


def test_a_request_that_stays_too_long():
    run = asking(window=8192, model=StrictModel(window=10))
    with pytest.raises(ContextOverflowError):
        run.ask(*chat(40), HumanMessage("and?"))
    assert run.model.overflows == 2


def test_a_request_that_cannot_be_made_shorter():
    run = asking(window=8192, model=StrictModel(window=100))
    with pytest.raises(CannotCompact):
        run.ask(HumanMessage("lorem ipsum " * 50))
    assert run.model.overflows == 1


# -- the archive ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["sync", "async"])
async def test_an_archive_that_goes_away(way: str, tmp_path: Path, caplog: pytest.LogCaptureFixture):
    run = asking(archive=tmp_path / "chat.db")

    async def ask(*messages: Any) -> Any:
        return await run.aask(*messages) if way == "async" else run.ask(*messages)

    await ask(HumanMessage("hello"))
    run.middleware._compaction._archive.close()  # pyright: ignore[reportPrivateUsage]
    sent = await ask(*chat(60), HumanMessage("and?"))
    assert sent[-1].text == "and?"
    assert run.model.overflows == 0
    assert len(run.state) == 124
    assert "the archive cannot be used" in caplog.text


def test_an_archive_that_cannot_be_written(tmp_path: Path):
    archive = open_archive(tmp_path / "chat.db")
    run = asking(archive=archive)
    archive.close()
    assert run.ask(HumanMessage("hello"))[-1].text == "hello"
    with pytest.raises(ArchiveUnavailable):
        run.session.history()


# -- drafters ------------------------------------------------------------------------------------------------

PRESSED = Policy.both(layered(("tokens", 1200), target=("tokens", 600), keep=("tokens", 300)))


class Waiting(SummaryDrafter):
    """Writes once it is told to."""

    name = "waiting"
    is_model = True

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.asked = threading.Event()
        self.told = threading.Event()
        self.threads: set[int] = set()

    def draft(self, requests: Any, *, cancel: threading.Event) -> Any:
        self.threads.add(threading.get_ident())
        self.asked.set()
        self.told.wait(60)
        return ["## Current State\n- it was waited for" for _ in requests]


async def test_a_drafter_works_beside_the_event_loop():
    """Were the loop blocked, nobody could tell the drafter to write."""
    drafter = Waiting(deadline=30)
    run = asking(drafter=drafter, policy=PRESSED)

    async def tell() -> None:
        assert await asyncio.to_thread(drafter.asked.wait, 60)
        await asyncio.sleep(0)  # on the loop, which must be free
        drafter.told.set()

    telling = asyncio.create_task(tell())
    for turn in chat(16)[::2]:
        await run.aask(turn)
    await telling
    assert threading.get_ident() not in drafter.threads
    assert "it was waited for" in texts(run.model.seen[-1])


def test_a_drafter_past_its_deadline():
    drafter = Waiting(deadline=0.05)
    run = asking(drafter=drafter, policy=PRESSED)
    for turn in chat(16)[::2]:
        sent = run.ask(turn)
    drafter.told.set()
    assert any("waiting" in event.fell_back_from for event in run.session.events)
    assert "it was waited for" not in texts(sent)  # pyright: ignore[reportPossiblyUnboundVariable]


@pytest.mark.parametrize("way", ["sync", "async"])
async def test_no_token_of_a_summary_reaches_the_stream(way: str):
    """Seen to be emitted in ``stream_mode="messages"`` (deepagentsjs#629)."""
    writer = StrictModel(done="## Current State\n- written for the archive")
    run = asking(drafter=writer, policy=PRESSED)
    streamed: list[Any] = []
    for turn in chat(16)[::2]:
        value, mode = {"messages": [turn]}, {"stream_mode": ["messages", "updates"]}
        if way == "sync":
            streamed += run.agent.stream(value, THREAD, **mode)
        else:
            streamed += [chunk async for chunk in run.agent.astream(value, THREAD, **mode)]
    tokens = [chunk[0] for kind, chunk in streamed if kind == "messages"]
    assert writer.seen
    assert "written for the archive" in texts(run.model.seen[-1])
    assert len(tokens) >= 8
    assert {token.text for token in tokens} <= {"That is all.", ""}
    assert any(isinstance(token, AIMessageChunk) for token in tokens)
    updates = [update for kind, update in streamed if kind == "updates"]
    assert all("conversation_summary" not in str(update) for update in updates)


def test_a_compaction_after_the_answer_fails_no_turn():
    class Breaking(ScriptedDrafter):
        def draft(self, requests: Any, *, cancel: threading.Event) -> Any:
            raise MemoryError

    run = asking(drafter=Breaking(), policy=PRESSED)
    for turn in chat(16)[::2]:
        run.ask(turn)
    assert len(run.state) == 32


# -- others that compact, too --------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["view", "replace"])
def test_langchains_middleware_in_the_same_agent(mode: Any):
    """It empties the state with the marker for all; what it leaves there is what ours goes on with."""
    writer = StrictModel(done="A summary of boats.")
    theirs = SummarizationMiddleware(writer, trigger=("tokens", 900), keep=("messages", 6))
    run = asking(theirs, mode=mode, policy=PRESSED)
    for turn in chat(40)[::2]:
        sent = run.ask(turn)
        assert sent[-1].text == turn.text
    assert writer.seen
    assert run.model.overflows == 0
    assert len(run.state) < 40
    said = [each.text for branch in run.session.branches() for each in run.session.history(branch.id)]
    assert {turn.text for turn in chat(40)[::2]} <= set(said)


def test_in_deepagents():
    """Its own middleware finds each request small already."""
    pytest.importorskip("deepagents")  # which goes with the newest LangChain alone
    from deepagents import create_deep_agent

    model = StrictModel(window=32_768)
    ours = CompactionMiddleware(max_input_tokens=32_768, policy=PRESSED)
    agent: Any = create_deep_agent(
        model, system_prompt="You know boats.", middleware=[ours], checkpointer=InMemorySaver()
    )
    for turn in chat(30)[::2]:
        agent.invoke({"messages": [turn]}, THREAD)
    assert model.overflows == 0
    assert len(model.seen[-1]) < 50
    assert len(ours.session(THREAD).history()) == 60
    assert len(agent.get_state(THREAD).values["messages"]) == 60
