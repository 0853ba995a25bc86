"""When an agent's session compacts: once what came of an answer is known, and when the run is over."""

from __future__ import annotations

from typing import Any
from unittest.mock import ANY

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import ModelResponse
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver

from context_compaction import CompactionEvent, Policy, open_archive
from context_compaction.policy import layered
from context_compaction.testing.drafters import ScriptedDrafter
from langchain_compaction import CompactionMiddleware, CompactionNode
from langchain_compaction.agents.telling import Telling
from tests.langchain.asking import THREAD, Asking, asking, call, chat, result, texts
from tests.langchain.strict import StrictModel

PRESSED = Policy.both(layered(("tokens", 1200), target=("tokens", 600), keep=("tokens", 300)))
READ = "the log says " + "that all is well " * 500


@tool
def look(place: str) -> str:
    """Look somewhere."""
    return f"{place}: {READ}"


async def ask(run: Asking, *messages: BaseMessage, way: str) -> list[BaseMessage]:
    return await run.aask(*messages) if way == "async" else run.ask(*messages)


@pytest.mark.parametrize("way", ["sync", "async"])
async def test_a_large_result_leaves_once_it_was_answered(way: str):
    """Right behind the answer it would still be what is to be answered, and would stay."""
    run = asking(window=8192, tools=[look], trigger=("tokens", 3000), drafter=ScriptedDrafter())
    run.model.script = [call(1), call(2), AIMessage("done")]
    sent = await ask(run, *chat(8), HumanMessage("look around"), way=way)
    assert [each.type for each in sent[-2:]] == ["ai", "tool"]
    assert texts(sent).count(READ) == 1  # that of the second call; the first is in the summary
    assert "recall m:" in texts(sent) or "m:19" in texts(sent)
    assert {event.trigger for event in run.session.events} == {"post_turn"}


@pytest.mark.parametrize("way", ["sync", "async"])
@pytest.mark.parametrize(("post_turn", "newest"), [("inline", "user"), ("background", "assistant")])
async def test_where_nobody_waits_a_session_gets_ahead_once_the_run_is_over(
    post_turn: Any, newest: str, way: str
):
    drafter = ScriptedDrafter("## Current State\n- boats were spoken of")
    run = asking(policy=PRESSED, drafter=drafter, post_turn=post_turn)
    run.model.done = "and so on " * 60
    for turn in chat(12)[::2]:
        await ask(run, turn, way=way)
        run.session.drain()
        if drafter.calls:
            break
    [event] = [event for event in run.session.events if event.committed]
    assert run.session.history()[event.at_seq - 1].role == newest
    # In the background the answer that was said is known; else that and what is asked next.
    assert run.session.history()[-1].role == "assistant"


def test_a_sub_agent_that_a_tool_called_is_not_compacted_once_it_is_over():
    """Nothing goes on with it."""
    drafter, archive = ScriptedDrafter(), open_archive(":memory:")
    middleware = CompactionMiddleware(
        max_input_tokens=4096, archive=archive, drafter=drafter, post_turn="background"
    )
    inner: Any = create_agent(StrictModel(done="and so on " * 1100), middleware=[middleware])

    @tool
    def delegate(task: str) -> str:
        """Give it to somebody."""
        inner.invoke({"messages": [*chat(6), HumanMessage(task)]})
        return "done"

    model = StrictModel(script=[call(1, name="delegate", task="sweep"), AIMessage("done")])
    agent: Any = create_agent(model, [delegate], middleware=[middleware], checkpointer=InMemorySaver())
    agent.invoke({"messages": "clean up"}, THREAD)
    middleware.session(THREAD).drain()
    assert drafter.calls == 0
    thread: Any = {"configurable": {"thread_id": "t2"}}
    # The same, in a thread of its own, is ahead of its next run.
    inner.invoke({"messages": [*chat(6), HumanMessage("sweep")]}, thread)
    middleware.session(thread).drain()
    assert drafter.calls == 1


@pytest.mark.parametrize("make", ["middleware", "node"])
def test_prompt_and_tools_are_counted_before_the_window_is_full(make: str):
    """They were not after an answer, and then every compaction was one that could not wait."""
    prompt, events = "Mind the rules. " * 900, list[Any]()
    options: Any = {"max_input_tokens": 8192, "observers": [events.append], "archive": ":memory:"}
    if make == "middleware":
        model, middleware = StrictModel(window=8192), CompactionMiddleware(**options)
        agent: Any = create_agent(
            model, system_prompt=prompt, middleware=[middleware], checkpointer=InMemorySaver()
        )
        for turn in chat(60)[::2]:
            agent.invoke({"messages": [turn]}, THREAD)
    else:
        node, said = CompactionNode(system_prompt=prompt, **options), chat(60)
        for turn in range(60):
            node.invoke({"messages": said[: 2 * turn + 1]}, THREAD)
    assert len(events) > 1
    assert {event.level for event in events} == {"soft"}


def test_an_answer_notes_what_was_done_before_and_behind_it():
    events = [
        CompactionEvent("post_turn", "soft", "summarized", 900, after, committed=True) for after in (500, 300)
    ]
    before, behind = Telling(None, events[:1]), Telling(None, events[1:])
    said = ModelResponse([AIMessage("aye", response_metadata={"model_name": "m"})])
    [answer] = before.noted(said).result
    assert behind.update([HumanMessage("well?"), answer, result(1)]) == {"messages": [ANY]}
    [answer] = behind.update([HumanMessage("well?"), answer, result(1)])["messages"]  # pyright: ignore[reportOptionalSubscript]
    assert answer.response_metadata["model_name"] == "m"
    assert answer.response_metadata["compacted_tokens_saved"] == 400 + 600
    assert len(answer.response_metadata["context_management"]["applied_edits"]) == 2
    assert Telling(None).update([answer]) is None
    assert Telling(None).noted(said) is said


def test_the_usage_of_an_answer_is_known_at_the_next_call():
    """Of the first answer to what was sent, though another middleware asked again behind it."""
    node = CompactionNode(max_input_tokens=8192)
    usage: Any = {"input_tokens": 3000, "output_tokens": 5, "total_tokens": 3005}
    said: list[Any] = [HumanMessage("hello", id="h1")]
    node.invoke({"messages": said}, THREAD)
    said += [
        AIMessage("hi", id="a1", usage_metadata=usage),
        AIMessage("there", id="a2", usage_metadata={**usage, "input_tokens": 10, "total_tokens": 15}),
        result(1),
    ]
    node.invoke({"messages": said}, THREAD)
    assert node.session(THREAD).stats.tokens_seen >= 3000
