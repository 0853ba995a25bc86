"""Agents whose run ends otherwise than by an answer, and what workflows put into one."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from llama_index.core.agent.workflow import AgentOutput, AgentWorkflow
from llama_index.core.base.llms.types import ChatMessage, MessageRole
from llama_index.core.llms.llm import ToolSelection
from llama_index.core.tools import FunctionTool
from llama_index.core.workflow import Context, WorkflowRuntimeError
from workflows.errors import WorkflowCancelledByUser

from context_compaction import CannotCompact, InvalidBudget, Policy
from llamaindex_compaction import from_llamaindex
from tests.llamaindex.asking import DAYS, KINDS, WINDOW, agent, answer, calling, memory, read, step, texts
from tests.llamaindex.talking import events, spans

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of LlamaIndex's own agents

# -- runs that end otherwise ---------------------------------------------------------------------------------


async def test_the_same_with_their_memory_of_a_database(stock: Any):
    theirs = stock(token_limit=3000)
    asked = agent("function", [calling(day) for day in range(DAYS)])
    await asked.run("Read all the logs.", memory=theirs, max_iterations=100)
    assert len(asked.llm.seen) == DAYS + 1
    assert len(await theirs.aget_all()) == 2 * DAYS + 2


@pytest.mark.parametrize("kind", KINDS)
async def test_a_model_that_fails_midway_leaves_what_was_said_in_order(kind: str):
    kept = memory()
    asked = agent(kind, [step(kind, 1), ConnectionError("away")])
    asked.llm.done = answer(kind, "Quiet.")
    ctx = Context(asked)
    with pytest.raises(ConnectionError):
        await asked.run("Read day 1.", ctx=ctx, memory=kept)
    assert [message.role for message in kept.session.history()] == ["user", "assistant", "tool"]
    out = await asked.run("Go on.", ctx=ctx)
    assert out.response.content == "Quiet."
    assert read(1) in texts(asked.llm.seen[-1])


@pytest.mark.parametrize("kind", KINDS)
async def test_a_run_of_too_many_steps_can_be_gone_on_with(kind: str):
    asked = agent(kind, [step(kind, day) for day in range(3)])
    asked.llm.done = answer(kind, "Quiet.")
    ctx = Context(asked)
    with pytest.raises(WorkflowRuntimeError, match="Max iterations"):
        await asked.run("Read all.", ctx=ctx, memory=memory(), max_iterations=3)
    out = await asked.run("Go on.", ctx=ctx)
    assert out.response.content == "Quiet."
    sent = texts(asked.llm.seen[-1])
    assert sent.index(read(1)) < sent.index("not run") < sent.index("Go on.")


async def test_an_answer_after_too_many_steps_knows_the_turn():
    kept = memory()
    asked = agent("function", [calling(0), calling(1), "Day 0 is quiet."], early_stopping_method="generate")
    asked.llm.lenient = True
    out = await asked.run("Read all.", memory=kept, max_iterations=2)
    assert out.response.content == "Day 0 is quiet."
    assert read(0) in texts(asked.llm.seen[-1])
    assert [message.role for message in kept.session.history()] == [
        "user",
        "assistant",
        "tool",
        "assistant",
        "tool",
        "assistant",
    ]


@pytest.mark.parametrize("kind", ["function", "react"])
async def test_a_tool_that_answers_directly(kind: str):
    kept = memory()
    tool = FunctionTool.from_defaults(read, return_direct=True)
    asked = agent(kind, [step(kind, 1)], tools=[tool])
    out = await asked.run("Read day 1.", memory=kept)
    assert out.response.content == read(1)
    said = kept.session.history()
    assert [message.role for message in said] == ["user", "assistant", "tool", "assistant"]
    asked.llm.done = answer(kind, "Yes.")
    await asked.run("Really?", memory=kept)
    assert len(asked.llm.seen) == 2


@pytest.mark.parametrize("kind", ["function", "react"])
async def test_a_tool_may_give_nothing(kind: str):
    kept = memory()
    tool = FunctionTool.from_defaults(lambda day: "", name="read", description="Nothing.")
    asked = agent(kind, [step(kind, 1)], tools=[tool])
    asked.llm.done = answer(kind, "Nothing.")
    out = await asked.run("Read day 1.", memory=kept)
    assert out.response.content == "Nothing."
    assert [message.role for message in kept.session.history()] == ["user", "assistant", "tool", "assistant"]


async def test_what_reacts_parser_makes_is_kept_as_plain_data(caplog: pytest.LogCaptureFixture):
    tool = FunctionTool.from_defaults(lambda days, about: "Quiet.", name="look", description="Looks.")
    action = 'Action: look\nAction Input: {"days": [1, 2], "about": {"what": "log"}}'
    asked = agent("react", [f"Thought: I look.\n{action}", answer("react", "Quiet.")], tools=[tool])
    kept = memory()
    await asked.run("Look.", memory=kept)
    assert caplog.records == []
    [call] = from_llamaindex(kept.get_all()[1]).tool_calls
    assert json.loads(call.arguments) == {"days": [1, 2], "about": {"what": "log"}}


async def test_react_is_told_what_was_wrong_with_its_form():
    kept = memory()
    asked = agent("react", ["", "Thought: I read.\nAction: read", answer("react", "So.")])
    out = await asked.run("Well?", memory=kept)
    assert out.response.content == "So."
    assert "previous response was empty" in texts(asked.llm.seen[1])
    assert "Error while parsing" in texts(asked.llm.seen[2])


async def test_what_cannot_fit_is_said():
    with pytest.raises(InvalidBudget):
        await agent("function", [], system_prompt="word " * 9000).run("hm", memory=memory())
    long = memory(chat_history=[ChatMessage(role="system", content="word " * 2000)])
    with pytest.raises(CannotCompact):
        await agent("function", [], 2000).run("hm", memory=long)


# -- what workflows put in -----------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [6000, 30_000])
async def test_state_is_told_to_the_model_and_not_to_the_memory(limit: int):
    kept = memory(token_limit=limit)
    asked = agent("function", [calling(1)], initial_state={"mood": "stormy"}, system_prompt="Be brief.")
    await asked.run("How is it?", memory=kept)
    assert "stormy" in texts(asked.llm.seen[0])
    assert asked.llm.seen[0][0].content == "Be brief."
    assert "stormy" not in texts(kept.get_all())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("prompt", [None, "Be brief."])
async def test_a_system_message_of_the_memory_reaches_the_model(kind: str, prompt: str | None):
    """ReActAgent leaves out the first one, CodeActAgent overwrites it."""
    kept = memory(chat_history=[ChatMessage(role="system", content="Ada is the keeper.")])
    asked = agent(kind, [step(kind, 1)], system_prompt=prompt)
    asked.llm.done = answer(kind, "Quiet.")
    await asked.run("Well?", memory=kept)
    assert all("Ada is the keeper." in texts(sent) for sent in asked.llm.seen)
    if prompt:
        assert all("Be brief." in texts(sent[:1]) for sent in asked.llm.seen)


async def test_agents_hand_over_and_read_each_other():
    kept = memory()
    first = agent("function", [calling(1)], name="reader", description="Reads.", can_handoff_to=["thinker"])
    handing = calling(0, name="handoff")
    handing.blocks[0].tool_kwargs = {"to_agent": "thinker", "reason": "think"}  # pyright: ignore[reportAttributeAccessIssue]
    first.llm.script.append(handing)
    second = agent(
        "react",
        [step("react", day) for day in range(2, 12)] + [answer("react", "It is 4701.")],
        name="thinker",
        description="Thinks.",
        can_handoff_to=[],
    )
    flow = AgentWorkflow(agents=[first, second], root_agent="reader")
    out = await flow.run("What is the keeper's number?", memory=kept, max_iterations=100)
    assert out.response.content == "It is 4701."
    assert "Observation: " + read(1) in texts(second.llm.seen[0])
    assert max(second.llm.sizes) <= WINDOW
    first.llm.done = "Yes."
    await flow.run("Really?", memory=kept)
    assert len(first.llm.seen) == 3, "and the other way round, as calls and results"


async def test_edits_that_a_run_asks_for():
    """``context_management``, of the agent or of a run, sets the trigger of its model calls."""
    edits: Any = {"context_management": EDITS}
    ways: list[tuple[Any, Any]] = [({}, {}), (edits, {}), ({}, edits)]
    for options, more in ways:
        kept = memory(token_limit=6000, policy=Policy.truncating(trigger=("fraction", 1.0)))
        asked = agent("function", [calling(1)], **options)
        await asked.run("Read day 1.", memory=kept, **more)
        asked.llm.script = []
        await asked.run("And?", memory=kept, **more)
        compacted = [event for event in kept.session.events if event.committed]
        assert bool(compacted) == bool(options or more)


EDITS = [{"type": "compaction", "compact_threshold": 1500}]


async def test_compactions_of_a_turn_are_told_to_the_dispatcher():
    kept = memory()
    with events() as told, spans() as seen:
        await agent("function", [calling(day) for day in range(8)]).run("Read.", memory=kept)
    names = {span.id_: span.id_.rsplit("-", 5)[0] for span in seen.completed_spans}
    assert {"CompactionMemory.aget", "CompactionMemory.aput_messages"} <= set(names.values())
    assert {names[each.span_id] for each in told} == {"CompactionMemory.aget"}, "each in the span of its call"
    ends = [each for each in told if each.class_name() == "CompactionEndEvent"]
    assert [each.version for each in ends if each.committed] == [
        event.version for event in kept.session.events if event.committed
    ]
    assert {(each.session_id, each.namespace) for each in told} == {("s1", "default")}
    starts = [each for each in told if each.class_name() == "CompactionStartEvent"]
    assert len(starts) >= len([each for each in ends if each.committed]) > 0
    assert "keeper" not in repr([each.model_dump(exclude={"tags"}) for each in told])


@pytest.mark.parametrize("kind", ["function", "react"])
async def test_a_run_that_is_cancelled_midway_can_be_gone_on_with(kind: str):
    """Its last call was never answered."""
    kept, begun = memory(), asyncio.Event()

    async def wait(day: int) -> str:
        begun.set()
        await asyncio.Event().wait()
        return str(day)

    tool = FunctionTool.from_defaults(async_fn=wait, name="read")
    asked = agent(kind, [step(kind, 1)], tools=[tool])
    asked.llm.done = answer(kind, "Quiet.")
    handler = asked.run("Read day 1.", memory=kept)
    async with asyncio.timeout(30):
        await begun.wait()
        await handler.cancel_run()
        with pytest.raises(WorkflowCancelledByUser):
            await handler
    out = await asked.run("Never mind.", memory=kept)
    assert out.response.content == "Quiet."
    assert [message.role for message in kept.session.history()] == ["user", "assistant", "user", "assistant"]


CODE = "First.\n<execute>\nx = 1\nprint(x)\n</execute>\nThen we shall see."


@pytest.mark.parametrize(
    ("said", "code", "told"),
    [
        (CODE, "x = 1\nprint(x)", CODE),
        ("<execute>\npass\n</execute>", "pass", "<execute>\npass\n</execute>"),
        ("A <execute>a</execute> B <execute>b</execute> C", "a\n\nb", "A  B <execute>\na\n\nb\n</execute> C"),
    ],
)
def test_code_is_kept_as_a_call_and_told_as_code(said: str, code: str, told: str):
    asked = agent("codeact", [])
    selection = ToolSelection(tool_id="t1", tool_name="execute", tool_kwargs={"code": code})
    response = ChatMessage(role="assistant", content=said)
    output = AgentOutput(response=response, tool_calls=[selection], current_agent_name="a")
    call = asked.asked(output, [])
    result = ChatMessage(role="tool", content="1", additional_kwargs={"tool_call_id": "t1"})
    assert [each.name for each in from_llamaindex(call).tool_calls] == ["execute"]
    first, second = asked.told([call, result])
    assert first.content == told
    assert (second.role, second.content) == (MessageRole.USER, "Result of executing the code given:\n\n1")
