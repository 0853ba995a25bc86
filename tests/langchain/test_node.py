"""`CompactionNode`: in `create_react_agent`, and in a graph of one's own."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable
from typing import Annotated, Any

import pytest
from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    BaseMessage,
    HumanMessage,
    RemoveMessage,
    ToolMessage,
)
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph
from langgraph.graph.message import add_messages
from typing_extensions import TypedDict

from context_compaction import CannotCompact, Policy
from context_compaction.policy import layered
from context_compaction.testing.drafters import ScriptedDrafter
from langchain_compaction import CompactionNode, MissingWindow
from tests.langchain.asking import THREAD, call, chat, texts
from tests.langchain.strict import StrictModel

MODES = ("view", "replace")


@tool
def look(place: str) -> str:
    """Look somewhere."""
    return f"nothing in {place} " + "at all " * 60


class State(TypedDict):
    messages: Annotated[list[AnyMessage], add_messages]
    llm_input_messages: list[AnyMessage]
    asked: Annotated[int, operator.add]


def react(fit: CompactionNode, model: StrictModel) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # LangGraph's agent is deprecated, its users are still there
        from langgraph.prebuilt import create_react_agent

        return create_react_agent(
            model, [look, *fit.tools], pre_model_hook=fit, checkpointer=InMemorySaver(), prompt="Be brief."
        )


def graph(fit: CompactionNode, model: StrictModel) -> Any:
    def ask(state: State) -> Any:
        return {"messages": [model.invoke(state["llm_input_messages"])], "asked": 1}

    async def aask(state: State) -> Any:
        return {"messages": [await model.ainvoke(state["llm_input_messages"])], "asked": 1}

    builder = StateGraph(State)
    builder.add_node("fit", fit)
    builder.add_node("model", RunnableLambda(ask, aask))
    builder.add_edge(START, "fit")
    builder.add_edge("fit", "model")
    return builder.compile(checkpointer=InMemorySaver())


def pressed(**options: Any) -> CompactionNode:
    rule = layered(("tokens", 1200), target=("tokens", 600), keep=("tokens", 300))
    options.setdefault("archive", ":memory:")
    return CompactionNode(max_input_tokens=4096, policy=Policy.both(rule), **options)


def messages(run: Any) -> list[BaseMessage]:
    return run.get_state(THREAD).values["messages"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("way", ["sync", "async"])
@pytest.mark.parametrize("make", [react, graph])
async def test_what_is_sent_fits_and_nothing_is_lost(make: Callable[..., Any], way: str, mode: Any):
    drafter = ScriptedDrafter("## Current State\n- the anchor is in bay seven")
    model = StrictModel(window=4096)
    fit = pressed(drafter=drafter, mode=mode, system_prompt="Be brief.", tools=[look])
    run = make(fit, model)
    asked = [HumanMessage(f"question {n} about boats " + "and more " * 40) for n in range(30)]
    for turn in asked:
        value: Any = {"messages": [turn]}
        await run.ainvoke(value, THREAD) if way == "async" else run.invoke(value, THREAD)
    assert model.overflows == 0
    assert "bay seven" in texts(model.seen[-1])
    assert len(model.seen[-1]) < 30
    assert len(messages(run)) < 30 if mode == "replace" else len(messages(run)) == 60
    said = [each.text for each in fit.session(THREAD).history() if each.role == "user"]
    assert said == [turn.text for turn in asked]
    assert len(fit.session(THREAD).branches()) == 1
    triggers = {event.trigger for event in fit.session(THREAD).events if event.committed}
    assert triggers == {"post_turn"}  # ahead of the next call, by what the last answer reported


@pytest.mark.parametrize("mode", MODES)
def test_tool_calls_in_an_agent(mode: Any):
    model = StrictModel(window=4096)
    fit = CompactionNode(max_input_tokens=4096, mode=mode, archive=":memory:", recall_tool=True, tools=[look])
    run = react(fit, model)
    model.script = [*(call(number, 2) for number in range(20)), AIMessage("done")]
    run.invoke({"messages": [HumanMessage("look around")]}, {**THREAD, "recursion_limit": 200})
    assert model.overflows == 0
    assert any("recall m:" in texts(sent) for sent in model.seen)  # what was cleared says where it is
    assert [each["function"]["name"] for each in model.offered] == ["look", "recall"]
    model.script = [AIMessage("", tool_calls=[{"name": "recall", "args": {"query": "room 3"}, "id": "r1"}])]
    run.invoke({"messages": [HumanMessage("and in room 3?")]}, THREAD)
    [found] = [each for each in messages(run) if isinstance(each, ToolMessage) and each.name == "recall"]
    assert "nothing in room 3" in found.text


def test_a_state_is_shortened_by_ids():
    model, updates = StrictModel(window=4096), list[Any]()
    run = react(pressed(mode="replace"), model)
    for turn in chat(30)[::2]:
        for update in run.stream({"messages": [turn]}, THREAD, stream_mode="updates"):
            updates += update.get("pre_model_hook", {}).get("messages", [])
    removed = [each.id for each in updates if isinstance(each, RemoveMessage)]
    assert len(removed) == len(set(removed)) > 10


async def test_tokens_of_a_drafter_are_not_streamed():
    writer = StrictModel(done="## Current State\n- written for the archive")
    run = react(pressed(drafter=writer), StrictModel(window=4096))
    tokens: list[Any] = []
    for turn in chat(20)[::2]:
        parts = run.astream({"messages": [turn]}, THREAD, stream_mode="messages")
        tokens += [part[0] async for part in parts if part[1]["langgraph_node"] != "pre_model_hook"]
        assert all("written for" not in str(token.text) for token in tokens)
    assert writer.seen
    assert tokens


def test_custom_events():
    run = graph(pressed(), StrictModel(window=4096))
    told = [
        part["phase"]
        for turn in chat(30)[::2]
        for part in run.stream({"messages": [turn]}, THREAD, stream_mode="custom")
    ]
    assert told[:2] == ["start", "end"]


def test_a_checkpoint_gone_back_to_is_a_branch():
    fit, model = pressed(mode="replace"), StrictModel(window=4096)
    run = graph(fit, model)
    for turn in chat(12)[::2]:
        run.invoke({"messages": [turn]}, THREAD)
    back = run.get_state(THREAD).config
    run.invoke({"messages": [HumanMessage("left")]}, THREAD)
    run.invoke({"messages": [HumanMessage("right")]}, back)
    assert fit.session(THREAD).history()[-1].text == "right"
    assert len(fit.session(THREAD).branches()) == 2


def test_by_hand_without_a_graph():
    fit = CompactionNode(max_input_tokens=4096)
    out = fit.invoke({"messages": [*chat(60), HumanMessage("and?")]}, THREAD)
    assert len(out["llm_input_messages"]) < 100
    assert out["llm_input_messages"][-1].text == "and?"
    with pytest.raises(MissingWindow, match="no model"):
        CompactionNode().invoke({"messages": [HumanMessage("hello")]}, THREAD)
    with pytest.raises(CannotCompact):
        CompactionNode(max_input_tokens=1100, reserve_tokens=1000).invoke(
            {"messages": chat(9, words=300)}, THREAD
        )


def test_prompt_and_tools_are_counted():
    rules = "Mind the rules. " * 700
    said = {"messages": [*chat(40), HumanMessage("and?")]}
    plain = CompactionNode(max_input_tokens=8192).invoke(said, THREAD)
    told = CompactionNode(max_input_tokens=8192, system_prompt=rules).invoke(said, THREAD)
    assert len(told["llm_input_messages"]) < len(plain["llm_input_messages"])


def test_other_keys():
    fit = CompactionNode(max_input_tokens=4096, messages_key="talk", output_key="shown")
    assert [each.text for each in fit.invoke({"talk": [HumanMessage("hello")]}, THREAD)["shown"]] == ["hello"]
    fit.close()
