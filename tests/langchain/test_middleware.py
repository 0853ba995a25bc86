"""`CompactionMiddleware` in `create_agent`: what it needs, whose session it follows, what it leaves alone."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, HumanInTheLoopMiddleware
from langchain_core.messages import AIMessage, HumanMessage, RemoveMessage, ToolMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from context_compaction import InvalidBudget, InvalidPolicy, Policy, open_archive
from context_compaction.testing.drafters import ScriptedDrafter
from langchain_compaction import CompactionMiddleware, MissingSessionId, MissingWindow, TwoCompactions
from tests.langchain.asking import THREAD, asking, call, chat, result, texts
from tests.langchain.strict import StrictModel


@tool
def look(place: str) -> str:
    """Look somewhere."""
    return f"nothing in {place}"


def thread(name: str, **more: Any) -> Any:
    return {"configurable": {"thread_id": name, **more}}


# -- the window ----------------------------------------------------------------------------------------------


def test_without_a_window_nothing_is_sent():
    model = StrictModel()
    agent: Any = create_agent(model, middleware=[CompactionMiddleware()])
    with pytest.raises(MissingWindow, match="StrictModel has no profile with max_input_tokens"):
        agent.invoke({"messages": "hello"})
    assert model.seen == []


def test_the_window_is_that_of_the_model_that_is_called():
    model = StrictModel(window=4096, profile={"max_input_tokens": 4096})
    other = StrictModel(profile={"max_input_tokens": 100_000})
    middleware = CompactionMiddleware(other, drafter=ScriptedDrafter())
    agent: Any = create_agent(model, middleware=[middleware], checkpointer=InMemorySaver())
    agent.invoke({"messages": [*chat(60), HumanMessage("and?")]}, THREAD)
    assert model.overflows == 0
    assert len(model.seen[-1]) < 100


def test_or_of_the_model_that_writes_the_summaries():
    writer = StrictModel(profile={"max_input_tokens": 4096}, done="## Current State\n- boats were spoken of")
    model = StrictModel(window=4096)
    agent: Any = create_agent(model, middleware=[CompactionMiddleware(writer)], checkpointer=InMemorySaver())
    agent.invoke({"messages": [*chat(60), HumanMessage("and?")]}, THREAD)
    assert "boats were spoken of" in texts(model.seen[-1])
    assert writer.seen


def test_a_prompt_larger_than_the_window():
    with pytest.raises(InvalidBudget, match="nothing is left for input"):
        asking(system_prompt="Mind the rules. " * 4000).ask(HumanMessage("hello"))


@pytest.mark.parametrize(
    "options",
    [{"trigger": ("pages", 3)}, {"trigger": {"tokens": 3}}, {"keep": True}, {"mode": "swap"}],
)
def test_options_that_mean_nothing(options: Any):
    with pytest.raises(InvalidPolicy):
        CompactionMiddleware(**options)


def test_a_policy_and_a_trigger():
    with pytest.raises(InvalidPolicy, match="a policy has its own trigger"):
        CompactionMiddleware(policy=Policy.layered(), trigger=("tokens", 3))


# -- one in an agent -----------------------------------------------------------------------------------------


class Another(CompactionMiddleware):
    """The same by another name, as LangChain wants of two."""


def test_two_in_one_agent():
    model = StrictModel()
    inner = Another(max_input_tokens=4096, recall_tool=False)
    agent: Any = create_agent(model, middleware=[CompactionMiddleware(max_input_tokens=4096), inner])
    with pytest.raises(TwoCompactions):
        agent.invoke({"messages": "hello"})
    assert model.seen == []


async def test_two_in_one_agent_async():
    inner = Another(max_input_tokens=4096, recall_tool=False)
    agent: Any = create_agent(StrictModel(), middleware=[CompactionMiddleware(max_input_tokens=4096), inner])
    with pytest.raises(TwoCompactions):
        await agent.ainvoke({"messages": "hello"})


# -- whose session -------------------------------------------------------------------------------------------


def test_a_thread_is_a_session():
    archive = open_archive(":memory:")
    run = asking(archive=archive)
    run.ask(HumanMessage("hello"), config=thread("ada"))
    run.ask(HumanMessage("hi"), config=thread("bob"))
    assert set(archive.sessions()) == {("default", "ada"), ("default", "bob")}
    assert [each.text for each in run.middleware.session(thread("bob")).history()] == ["hi", "That is all."]
    run.middleware.close()
    assert archive.sessions()  # the caller's own stays open


def test_a_namespace_by_the_runs_config():
    archive = open_archive(":memory:")
    run = asking(archive=archive, namespace=lambda config: config["configurable"]["user"])
    run.ask(HumanMessage("hello"), config=thread("t1", user="ada"))
    assert list(archive.sessions()) == [("ada", "t1")]


def test_a_run_without_a_thread_is_known_until_it_ends():
    model, middleware = StrictModel(window=4096), CompactionMiddleware(max_input_tokens=4096)
    agent: Any = create_agent(model, [look], middleware=[middleware])
    model.script = [*(call(number) for number in range(40)), AIMessage("done")]
    out = agent.invoke({"messages": [*chat(20), HumanMessage("look around")]}, {"recursion_limit": 200})
    assert out.keys() == {"messages"}
    assert len(out["messages"]) == 40 + 1 + 80 + 1
    assert model.overflows == 0
    assert not middleware._compaction._threads._runs  # pyright: ignore[reportPrivateUsage]
    before = len(
        {id(message) for sent in model.seen for message in sent if "conversation_summary" in message.text}
    )
    assert 0 < before < 10  # the session goes on from one model call to the next
    with pytest.raises(MissingSessionId):
        middleware.session({})


def test_a_sub_agent_has_a_conversation_of_its_own():
    archive = open_archive(":memory:")
    middleware = CompactionMiddleware(max_input_tokens=4096, archive=archive)
    inner: Any = create_agent(StrictModel(), middleware=[middleware])

    @tool
    def delegate(task: str) -> str:
        """Give it to somebody."""
        return inner.invoke({"messages": task})["messages"][-1].text

    model = StrictModel(script=[call(1, 2, name="delegate", task="sweep"), AIMessage("done")])
    agent: Any = create_agent(model, [delegate], middleware=[middleware], checkpointer=InMemorySaver())
    agent.invoke({"messages": "clean up"}, THREAD)
    own = middleware.session(THREAD)
    assert [each.role for each in own.history()] == ["user", "assistant", "tool", "tool", "assistant"]
    assert len(own.branches()) == 1
    names = sorted(name for _, name in archive.sessions())
    assert len(names) == 3
    assert all(name.startswith("t1|tools:") for name in names[1:])


# -- the state -----------------------------------------------------------------------------------------------


def test_a_checkpoint_gone_back_to_is_a_branch():
    run = asking()
    run.ask(HumanMessage("first"))
    back = run.agent.get_state(THREAD).config
    run.ask(HumanMessage("left"))
    run.agent.invoke({"messages": [HumanMessage("right")]}, back)
    assert [each.text for each in run.session.history()] == ["first", "That is all.", "right", "That is all."]
    assert len(run.session.branches()) == 2
    assert [each.text for each in run.model.seen[-1]] == ["first", "That is all.", "right"]


def test_an_edited_message_is_a_branch():
    run = asking()
    run.ask(*chat(8), HumanMessage("go on"))
    first = run.state[0]
    run.agent.update_state(THREAD, {"messages": [HumanMessage("asked otherwise", id=first.id)]})
    sent = run.ask(HumanMessage("and?"))
    assert sent[0].text == "asked otherwise"
    assert len(run.session.branches()) == 2


def test_a_message_removed_by_another_middleware():
    class Forgetting(AgentMiddleware[Any, Any, Any]):
        def before_model(self, state: Any, runtime: Any) -> Any:
            dropped = [each for each in state["messages"] if each.text.startswith("question 3")]
            return {"messages": [RemoveMessage(id=each.id) for each in dropped]}

    run = asking(Forgetting())
    sent = run.ask(*chat(60), HumanMessage("and?"))
    assert "question 3 " not in texts(sent)
    assert run.model.overflows == 0
    assert len(run.session.history()) == len(run.state)


def test_what_another_middleware_says_for_one_request():
    """It is sent and counted, where it was put, and is no part of what was said."""

    class Adding(AgentMiddleware[Any, Any, Any]):
        def wrap_model_call(self, request: Any, handler: Any) -> Any:
            instead = [
                each.model_copy(update={"content": "[masked]"}) if "secret" in each.text else each
                for each in request.messages
            ]
            beside = HumanMessage("the time is noon")
            return handler(request.override(messages=[*instead[:-1], beside, instead[-1]]))

    run = asking(Adding())
    sent = run.ask(HumanMessage("my secret"), AIMessage("noted"), HumanMessage("well?"))
    assert [each.text for each in sent] == ["[masked]", "noted", "the time is noon", "well?"]
    sent = run.ask(*chat(40), HumanMessage("again?"))
    assert [each.text for each in sent[-2:]] == ["the time is noon", "again?"]
    assert run.model.overflows == 0
    assert [each.text for each in run.session.history()] == [each.text for each in run.state]
    assert len(run.session.branches()) == 1


def test_a_call_that_a_human_changes_before_it_is_made():
    """What was never sent is no branch; the call is answered as it was made."""
    human = HumanInTheLoopMiddleware(interrupt_on={"look": True})
    run = asking(human, tools=[look])
    run.model.script = [call(1), AIMessage("done")]
    out = run.agent.invoke({"messages": [HumanMessage("look")]}, THREAD)
    assert out["__interrupt__"]
    edit = {"type": "edit", "edited_action": {"name": "look", "args": {"place": "the attic"}}}
    run.agent.invoke(Command(resume={"decisions": [edit]}), THREAD)
    assert run.model.seen[-1][-1].text.endswith("nothing in the attic")
    assert len(run.session.branches()) == 1


def test_a_call_that_is_left_waiting():
    human = HumanInTheLoopMiddleware(interrupt_on={"look": True})
    run = asking(human, tools=[look])
    run.model.script = [call(1, 2), AIMessage("as you like")]
    run.agent.invoke({"messages": [HumanMessage("look")]}, THREAD)
    sent = run.ask(HumanMessage("never mind"))
    assert [each.type for each in sent] == ["human", "ai", "tool", "tool", "human"]
    assert all(isinstance(each, ToolMessage) and each.status == "error" for each in sent[2:4])


def test_a_call_whose_arguments_are_no_json():
    run = asking(tools=[look])
    broken = {"name": "look", "args": "{place:", "id": "c1", "error": "no json"}
    run.model.script = [AIMessage("let me see", invalid_tool_calls=[broken])]
    run.ask(HumanMessage("look"))
    for _ in range(2):
        sent = run.ask(HumanMessage("again"))
    assert sum(each.type == "tool" for each in sent) <= 1  # pyright: ignore[reportPossiblyUnboundVariable]
    assert len(run.session.branches()) == 1
    assert [each.text for each in run.session.history()] == [each.text for each in run.state]


def test_a_result_is_sent_as_the_object_that_it_is():
    """What did not change is not made anew."""
    run = asking()
    given = result(1)
    sent = run.ask(HumanMessage("look"), call(1), given)
    assert sent[-1] is given


def test_a_message_changed_in_place_is_read_again():
    """As other middlewares do it; what was sent before is another branch."""
    parts: Any = [{"type": "text", "text": "the first wording"}]
    said = [HumanMessage(parts, id="h1"), call(1), result(1)]

    class Changing(AgentMiddleware[Any, Any, Any]):
        def wrap_model_call(self, request: Any, handler: Any) -> Any:
            first = request.state["messages"][0]
            handler(request)
            first.content[0]["text"] = "the second wording"
            return handler(request)

    run = asking(Changing())
    assert run.ask(*said)[0].text == "the second wording"
    assert len(run.model.seen) == 2
    assert run.session.history()[0].text == "the second wording"


def test_many_tenants_do_not_pile_up():
    archive = open_archive(":memory:")
    run = asking(archive=archive, namespace=lambda config: config["configurable"]["user"])
    for number in range(80):
        run.ask(HumanMessage("hello"), config=thread("t1", user=f"u{number}"))
    sent = run.ask(HumanMessage("still there?"), config=thread("t1", user="u0"))
    assert len(run.middleware._compaction._threads._sessions) == 64  # pyright: ignore[reportPrivateUsage]
    assert len(archive.sessions()) == 80
    assert [each.text for each in sent][-1] == "still there?"


def test_a_run_that_asks_for_less():
    """``context_management`` in the config, as providers take it."""
    run = asking(window=32_768, keep=("fraction", 0.02))  # under its own trigger
    edit = {"type": "compaction", "compact_threshold": 1000}
    assert len(run.ask(*chat(30), HumanMessage("and?"))) == 61
    asked = {"configurable": {**THREAD["configurable"], "context_management": [edit]}}
    assert len(run.ask(HumanMessage("shorter"), config=asked)) < 61


async def test_sessions_are_not_opened_on_the_event_loop():
    threads: set[int] = set()

    def namespace(config: Any) -> str:
        threads.add(threading.get_ident())
        return "ada"

    run = asking(namespace=namespace)
    await run.aask(HumanMessage("hello"))
    assert threads
    assert threading.get_ident() not in threads
