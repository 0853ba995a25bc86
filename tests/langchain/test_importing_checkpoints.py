"""Checkpoints of real LangGraph graphs: what a summarising middleware removed is found again."""

from __future__ import annotations

import warnings
from typing import Any, TypedDict

import pytest
from langchain_core.language_models import FakeListChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from context_compaction import Budget, InvalidMessage, Session
from langchain_compaction import import_checkpoints, to_langchain

with warnings.catch_warnings():  # upstream's own, while it is imported
    warnings.simplefilter("ignore")
    from langchain.agents import create_agent
    from langchain.agents.middleware import SummarizationMiddleware
    from langgraph.checkpoint.memory import InMemorySaver
    from langgraph.graph import START, MessagesState, StateGraph

    from tests.langchain.savers import Savers

BUDGET = Budget(context_window=100_000)


def summarising(checkpointer: Any) -> Any:
    """An agent that keeps four messages and writes a summary in place of the rest."""
    model = FakeListChatModel(responses=[f"answer {place}" for place in range(100)])
    summarize = SummarizationMiddleware(
        FakeListChatModel(responses=["A summary of it."]), trigger=("messages", 6), keep=("messages", 2)
    )
    return create_agent(model, middleware=[summarize], checkpointer=checkpointer)


def thread(name: str) -> Any:
    return {"configurable": {"thread_id": name}}


def held(session: Session) -> list[BaseMessage]:
    return [to_langchain(message) for message in session.history()]


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_what_a_middleware_removed_is_found_again(kind: str, savers: Savers) -> None:
    with savers.open(kind) as checkpointer, Session(":memory:", budget=BUDGET) as session:
        agent = summarising(checkpointer)
        state: Any = {}
        for place in range(8):
            state = agent.invoke({"messages": [("user", f"question {place}")]}, thread("t1"))
        agent.invoke({"messages": [("user", "somebody else's")]}, thread("t2"))
        assert any("summary" in str(message.content) for message in state["messages"])
        assert len(state["messages"]) < 16

        assert import_checkpoints(session, checkpointer, "t1") == 16
        words = [f"{kind} {place}" for place in range(8) for kind in ("question", "answer")]
        assert [message.content for message in held(session)] == words
        assert held(session)[-1] == state["messages"][-1]
        assert import_checkpoints(session, checkpointer, "t1") == 0

        agent.invoke({"messages": [("user", "one more")]}, thread("t1"))
        assert import_checkpoints(session, checkpointer, "t1") == 2
        assert [message.text for message in session.history()][-2:] == ["one more", "answer 9"]
        assert import_checkpoints(session, checkpointer, "unknown") == 0


def graph(checkpointer: Any, *answers: BaseMessage) -> Any:
    """One node that gives the next answer."""
    left = list(answers)
    builder: Any = StateGraph(MessagesState)
    builder.add_node("answer", lambda _: {"messages": [left.pop(0)]})
    builder.add_edge(START, "answer")
    return builder.compile(checkpointer=checkpointer)


def test_of_a_forked_thread_the_line_that_goes_on() -> None:
    checkpointer = InMemorySaver()
    app = graph(checkpointer, *(AIMessage(f"answer {place}") for place in range(3)))
    app.invoke({"messages": [("user", "one")]}, thread("t1"))
    earlier = app.get_state(thread("t1")).config
    app.invoke({"messages": [("user", "given up")]}, thread("t1"))
    app.invoke({"messages": [("user", "two")]}, earlier)
    with Session(":memory:", budget=BUDGET) as session:
        assert import_checkpoints(session, checkpointer, "t1") == 4
        assert [message.text for message in session.history()] == ["one", "answer 0", "two", "answer 2"]


def test_of_a_message_that_was_changed_later_the_first_wording() -> None:
    checkpointer = InMemorySaver()
    app = graph(checkpointer, AIMessage("a long answer", id="a1"), AIMessage("[cleared]", id="a1"))
    app.invoke({"messages": [("user", "one")]}, thread("t1"))
    app.invoke({"messages": [("user", "two")]}, thread("t1"))
    with Session(":memory:", budget=BUDGET) as session:
        assert import_checkpoints(session, checkpointer, "t1") == 3
        assert [message.text for message in session.history()] == ["one", "a long answer", "two"]


class Plain(TypedDict):
    """A state that gives its messages no ids."""

    messages: list[BaseMessage]


def test_a_message_without_an_id_names_its_place() -> None:
    builder: Any = StateGraph(Plain)
    builder.add_node("answer", lambda state: state)
    builder.add_edge(START, "answer")
    checkpointer = InMemorySaver()
    app = builder.compile(checkpointer=checkpointer)
    app.invoke({"messages": [HumanMessage("no id")]}, thread("t1"))
    with Session(":memory:", budget=BUDGET) as session:
        with pytest.raises(InvalidMessage, match="message 0: it has no id in 'messages' of checkpoint "):
            import_checkpoints(session, checkpointer, "t1")
        assert session.history() == []
