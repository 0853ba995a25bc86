"""The memory in LlamaIndex's chat engines and agents, with an LLM that rejects what providers would.

A turn of an agent whose memory is ours, but whose class is LlamaIndex's, can outgrow the window: what it
gathers in a turn is kept beside the memory. `CompactionMixin` is for that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from llama_index.core.agent.workflow import AgentWorkflow, FunctionAgent, ReActAgent
from llama_index.core.chat_engine import CondensePlusContextChatEngine, SimpleChatEngine
from llama_index.core.workflow import Context

from context_compaction import open_archive
from context_compaction.testing.drafters import ScriptedDrafter
from llamaindex_compaction import CompactionMemory
from tests.llamaindex import engines
from tests.llamaindex.chatting import answer, texts, user
from tests.llamaindex.strict import StrictLLM

if TYPE_CHECKING:
    from llama_index.core.chat_engine.types import BaseChatEngine

# LlamaIndex's workflows look at each attribute of an agent, pydantic's deprecated ones too, and ReActAgent
# asks a question of its context that is deprecated.
pytestmark = [
    pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecationWarning"),
    pytest.mark.filterwarnings("ignore:is_running called from within a step:DeprecationWarning"),
]

LIMIT = 1000
PROMPTS = 250
"""Tokens of an engine's own prompts and of what it retrieved."""
TURNS = 25
MORE = "Tell me more of it, please. " * 5


def asked(number: int) -> str:
    return f"What of boat {number}? {MORE}"


def answers(count: int = TURNS) -> list[str]:
    return [f"Boat {number} floats. {'So it is written. ' * 6}And that is it." for number in range(count)]


def memory(**options: Any) -> CompactionMemory:
    return CompactionMemory.from_defaults(**{"token_limit": LIMIT, **options})


# -- chat engines ----------------------------------------------------------------------------------------


def chat(engine: BaseChatEngine, message: str) -> str:
    return str(engine.chat(message))


def stream_chat(engine: BaseChatEngine, message: str) -> str:
    """Its answer is put by another thread, which is done when the stream is."""
    response = engine.stream_chat(message)
    return "".join(response.response_gen)


def achat(engine: BaseChatEngine, message: str) -> str:
    return str(asyncio.run(_achat(engine, message)))


async def _achat(engine: BaseChatEngine, message: str) -> Any:
    return await engine.achat(message)


def astream_chat(engine: BaseChatEngine, message: str) -> str:
    return asyncio.run(_astream_chat(engine, message))


async def _astream_chat(engine: BaseChatEngine, message: str) -> str:
    response = await engine.astream_chat(message)
    return "".join([piece async for piece in response.async_response_gen()])


MODES: list[Callable[[BaseChatEngine, str], str]] = [chat, stream_chat, achat, astream_chat]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", engines.ENGINES)
def test_chat_engines_go_on_for_ever(kind: str, mode: Callable[[BaseChatEngine, str], str]) -> None:
    """No request is rejected or too long, and each message is kept, once, in order."""
    kept, llm = memory(), StrictLLM(script=answers(), window=LIMIT + 1000)
    engine = engines.ENGINES[kind](llm, kept)
    for number in range(TURNS):
        assert mode(engine, asked(number)) == answers()[number]
    said = [text for number in range(TURNS) for text in (asked(number), answers()[number])]
    assert max(llm.sizes) <= LIMIT + PROMPTS
    assert texts(kept.get_all()) == said
    assert texts(engine.chat_history) == said
    assert sum(event.committed for event in kept.session.events) > 0
    assert any("<conversation_summary" in str(message.content) for message in llm.seen[-1])
    assert asked(TURNS - 1) in str(llm.seen[-1][-1].content)


def test_a_history_that_is_given_with_every_message_is_kept_once() -> None:
    """What has left stays recallable: Memory deletes what it archived on every such call."""
    kept, llm = memory(), StrictLLM(script=answers())
    engine = SimpleChatEngine.from_defaults(llm=llm, memory=kept)
    history = []
    for number in range(TURNS):
        engine.chat(asked(number), chat_history=list(history))
        history += [user(asked(number)), answer(answers()[number])]
    assert kept.get_all() == history
    assert len(kept.session.branches()) == 1


def test_words_in_braces_that_left_are_not_filled_in() -> None:
    """The engine's prompts fill ``{context_str}`` wherever it stands in the history."""
    kept, llm = memory(), StrictLLM(script=answers())
    engine = CondensePlusContextChatEngine.from_defaults(
        retriever=engines.Found(), llm=llm, memory=kept, skip_condense=True
    )
    kept.put_messages([user(f"I always write {{context_str}} in my prompts. {MORE}"), answer("I see.")])
    for number in range(TURNS):
        engine.chat(asked(number))
    summary = next(str(m.content) for m in llm.seen[-1] if "<conversation_summary" in str(m.content))
    assert "kept in the harbour" not in summary


def test_a_reset_of_an_engine_begins_anew() -> None:
    kept = memory()
    engine = SimpleChatEngine.from_defaults(llm=StrictLLM(script=answers()), memory=kept)
    engine.chat(asked(0))
    engine.reset()
    assert kept.get_all() == []


# -- agents ----------------------------------------------------------------------------------------------

Agent = FunctionAgent | ReActAgent | AgentWorkflow


async def run(agent: Agent, message: str, kept: CompactionMemory, **options: Any) -> str:
    return str(await agent.run(message, memory=kept, **options))


@pytest.mark.parametrize("streaming", [True, False])
@pytest.mark.parametrize("make", [engines.function_agent, engines.workflow])
async def test_agents_that_call_functions_go_on_for_ever(make: Callable[..., Agent], streaming: bool) -> None:
    kept = memory(token_limit=1500)
    script: list[Any] = []
    for number in range(TURNS):
        script += [engines.calls(number, count=2), f"Boat {number} floats."]
    llm = StrictLLM(script=script, window=2500)
    agent = make(llm, streaming=streaming)
    for number in range(TURNS):
        assert await run(agent, asked(number), kept) == f"Boat {number} floats."
    roles = [message.role.value for message in kept.get_all()]
    assert roles == ["user", "assistant", "tool", "tool", "assistant"] * TURNS
    assert texts(kept.get_all())[::5] == [asked(number) for number in range(TURNS)]
    assert sum(event.committed for event in kept.session.events) > 0
    assert len(llm.seen) == 2 * TURNS
    assert any("<conversation_summary" in str(message.content) for message in llm.seen[-1])


async def test_react_without_a_system_prompt_sees_what_has_left() -> None:
    """It drops a leading system message: the summary of the stock memories never reaches its model."""
    kept = memory(token_limit=1500)
    script: list[Any] = []
    for number in range(TURNS):
        script += [engines.reasons(number), f"Thought: I know.\nAnswer: Boat {number} floats."]
    llm = StrictLLM(script=script, window=4000, calls_functions=False)
    agent = engines.react_agent(llm)
    for number in range(TURNS):
        assert await run(agent, asked(number), kept) == f"Boat {number} floats."
    assert any("<conversation_summary" in str(message.content) for message in llm.seen[-1])
    assert len(kept.get_all()) == 2 * TURNS


async def test_the_state_of_a_workflow_is_not_said() -> None:
    """It is written into the last message of what the memory gave."""
    kept = memory()
    agent = AgentWorkflow(
        agents=[engines.function_agent(StrictLLM(script=answers()))],
        root_agent="sailor",
        initial_state={"mood": "calm"},
    )
    await run(agent, asked(0), kept)
    assert texts(kept.get_all()) == [asked(0), answers()[0]]


async def test_a_run_with_a_history_keeps_what_was_said_before() -> None:
    """``chat_history=`` replaces what Memory holds, its archive included."""
    kept, agent = memory(), engines.function_agent(StrictLLM(script=answers()))
    for number in range(TURNS):
        await run(agent, asked(number), kept, chat_history=kept.get())
    assert texts(kept.get_all())[::2] == [asked(number) for number in range(TURNS)]
    assert len(kept.session.branches()) == 1


async def test_a_run_that_fails_keeps_the_question_and_the_next_one_goes_on() -> None:
    kept = memory()
    llm = StrictLLM(script=[engines.calls(0), ConnectionError("gone"), *answers()])
    agent = engines.function_agent(llm)
    with pytest.raises(Exception, match="gone"):
        await run(agent, asked(0), kept)
    assert texts(kept.get_all()) == [asked(0)]
    assert await run(agent, asked(1), kept) == answers()[0]


async def test_a_context_keeps_the_very_memory_that_it_was_given() -> None:
    """Each run writes the context down and reads it again: what is no data must not be lost by it."""
    drafter = ScriptedDrafter("## Current State\n- Boats float.")
    kept = memory(drafter=drafter, archive=open_archive(":memory:"))
    agent = engines.function_agent(StrictLLM(script=answers()))
    ctx = Context(agent)
    for number in range(TURNS):
        await run(agent, asked(number), kept, ctx=ctx)
    assert await ctx.store.get("memory") is kept
    assert len(kept.get_all()) == 2 * TURNS
    assert "scripted" in {event.writer for event in kept.session.events}


@pytest.mark.parametrize("archive", [":memory:", "chat.db"])
async def test_a_context_that_is_written_down_has_its_memory(archive: str, tmp_path: Path) -> None:
    """With Memory it is lost, and with ChatMemoryBuffer since pydantic 2.14."""
    kept = memory(archive=archive if archive == ":memory:" else tmp_path / archive)
    agent = engines.function_agent(StrictLLM(script=answers()))
    ctx = Context(agent)
    for number in range(TURNS):
        await run(agent, asked(number), kept, ctx=ctx)
    written, shown = ctx.to_dict(), kept.get()
    kept.close()  # as the end of the process does
    llm = StrictLLM()
    agent = engines.function_agent(llm)
    again = Context.from_dict(agent, written)
    await agent.run("And now?", ctx=again)
    assert [message.content for message in llm.seen[-1][1:-1]] == texts(shown)
    restored: Any = await again.store.get("memory")
    assert restored is not kept
    assert len(restored.get_all()) == 2 * TURNS + 2
    restored.close()
