"""The conversations in which LlamaIndex's memories lose something."""

from __future__ import annotations

import asyncio
import base64
import io
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from llama_index.core.agent.workflow import AgentWorkflow, FunctionAgent, ReActAgent
from llama_index.core.base.llms import types as li
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.llms import MockLLM
from llama_index.core.llms.mock import MockFunctionCallingLLM
from llama_index.core.memory import (
    Memory,
)
from llama_index.core.memory.memory import BaseMemoryBlock
from llama_index.core.storage.chat_store.base_db import MessageStatus
from llama_index.core.workflow import Context

from benchmarks._losses_memories import LONG, everything, fill, ours, said, stock, summing, tokens, turns
from context_compaction import DrafterError, SummaryDrafter
from llamaindex_compaction import CompactingFunctionAgent, CompactionMemory


async def at_once(memory: Any) -> str:
    await memory.aput(said("user", "first"))
    await asyncio.gather(*(memory.aput(said("user", str(number))) for number in range(40)))
    return f"{len({message.content for message in await everything(memory)} - {'first'})}"


async def shared_store() -> str:
    first = stock()
    await first.aput(said("user", "first"))
    memories = [
        Memory.from_defaults(session_id=f"s{number}", chat_store=first.sql_store) for number in range(10)
    ]
    return await ten_sessions(memories)


async def shared_archive() -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chat.db"
        memories = [ours(session_id=f"s{number}", archive=path) for number in range(10)]
        kept = await ten_sessions(memories)
        for memory in memories:
            memory.close()
        return kept


async def ten_sessions(memories: Sequence[Any]) -> str:
    await asyncio.gather(
        *(memory.aput(said("user", str(number))) for number in range(10) for memory in memories)
    )
    return str(sum([len(await everything(memory)) for memory in memories]))


async def set_again(memory: Any) -> str:
    await fill(memory)
    await memory.aset(await memory.aget())
    return f"{len(await everything(memory))}"


class Raising(BaseMemoryBlock[str]):
    async def _aget(self, *_: Any, **__: Any) -> str:
        return ""

    async def _aput(self, *_: Any) -> None:
        raise ConnectionError


async def raising_block() -> str:
    memory = Memory.from_defaults(
        session_id="s", token_limit=600, token_flush_size=100, memory_blocks=[Raising(name="raising")]
    )
    raised = 0
    for message in turns():
        try:
            await memory.aput(message)
        except ConnectionError:
            raised += 1
    archived = len(await memory.aget_all(status=MessageStatus.ARCHIVED))
    return f"{archived} never delivered, {raised} turns failed"


class Failing(SummaryDrafter):
    name = "failing"
    window = None
    deadline = None

    def draft(self, *_: Any, **__: Any) -> Any:
        raise DrafterError("gone")


async def raising_drafter() -> str:
    memory = ours(drafter=Failing())
    await fill(memory)
    await memory.aget()
    return f"{len(await everything(memory))}"


async def thinking(memory: Any) -> str:
    for number in range(20):
        thought = li.ThinkingBlock(content="so it is then " * 125)
        await memory.aput(said("user", f"And {number}?"))
        await memory.aput(ChatMessage(role="assistant", blocks=[thought, li.TextBlock(text="Yes.")]))
    return tokens(await memory.aget())


async def system(memory: Any) -> str:
    await memory.aput(said("system", "You speak of boats only."))
    await fill(memory)
    return "yes" if any(message.role == "system" for message in await memory.aget()) else "no"


async def one_long(memory: Any) -> str:
    await memory.aput(said("user", LONG))
    return tokens(await memory.aget())


async def empty(memory: Any) -> str:
    await memory.aput_messages([])
    return "nothing happens"


async def buffer(memory: Any) -> str:
    await memory.aput(ChatMessage(role="user", blocks=[li.ImageBlock(image=io.BytesIO(b"\x89PNG"))]))
    [message] = await everything(memory)
    data = message.blocks[0].resolve_image().read()
    return "kept" if data == b"\x89PNG" or base64.b64decode(data) == b"\x89PNG" else "changed"


def function_llm(*answers: ChatMessage, seen: list[Any] | None = None) -> MockFunctionCallingLLM:
    script = list(answers)

    def answer(messages: Sequence[ChatMessage], **_: Any) -> ChatMessage:
        if seen is not None:
            seen.append(list(messages))
        return script.pop(0) if script else said("assistant", "Thought: I know.\nAnswer: Yes.")

    return MockFunctionCallingLLM(response_generator=answer)


async def context(memory: Any) -> str:
    agent = FunctionAgent(llm=function_llm(), tools=[look])
    ctx = Context(agent)
    await agent.run("What is a tide?", ctx=ctx, memory=memory)
    written = ctx.to_dict()
    if isinstance(memory, CompactionMemory):
        memory.close()  # else the very same memory is found again
    again = Context.from_dict(agent, written)
    await agent.run("And now?", ctx=again)
    return f"{len(await everything(await again.store.get('memory')))} of 4"


async def result(memory: Any) -> str:
    call = li.ToolCallBlock(tool_call_id="c1", tool_name="look", tool_kwargs={})
    await memory.aput(said("user", "Look."))
    await memory.aput(ChatMessage(role="assistant", blocks=[call]))
    kwargs = {"tool_call_id": "c1"}
    await memory.aput(ChatMessage(role="tool", content="a line\n" * 2000, additional_kwargs=kwargs))
    return ", ".join(message.role.value for message in await memory.aget())


async def calls(memory: Any) -> str:
    for number in range(10):
        arguments = f'{{"text": "{"more of it " * 160}"}}'
        call = {"id": f"c{number}", "type": "function", "function": {"name": "write", "arguments": arguments}}
        await memory.aput(said("user", f"Write {number}."))
        await memory.aput(ChatMessage(role="assistant", additional_kwargs={"tool_calls": [call]}))
        kwargs = {"tool_call_id": f"c{number}"}
        await memory.aput(ChatMessage(role="tool", content="written", additional_kwargs=kwargs))
    return tokens(await memory.aget())


async def string(memory: Any) -> str:
    await memory.aput(said("user", "hello"))
    return "works" if type(memory).from_string(memory.to_string()).get_all() else "empty"


async def prompt(memory: Any) -> str:
    await memory.aput(said("user", "hello"))
    return f"{len(await memory.aget(initial_token_count=601))} message shown"


async def state(memory: Any) -> str:
    agent = FunctionAgent(name="a", llm=function_llm(), tools=[look])
    flow = AgentWorkflow(agents=[agent], root_agent="a", initial_state={"mood": "calm"})
    await flow.run("What is a tide?", memory=memory)
    return str((await everything(memory))[0].content).replace("\n", " ")[:40]


class RaisingLLM(MockLLM):
    def chat(self, *_: Any, **__: Any) -> Any:
        raise ConnectionError("gone")


async def raising_llm() -> str:
    memory = summing(RaisingLLM())
    await fill(memory)
    try:
        await memory.aget()
    except ConnectionError:
        newest = turns()[-1] in memory.get_all()
        return f"{len(memory.get_all())}, the newest {'is there' if newest else 'is gone'}; get raises"
    return "no error"


async def kept(memory: Any) -> str:
    await fill(memory)
    await memory.aget()
    return f"{len(await everything(memory))}"


async def question(memory: Any) -> str:
    await fill(memory)
    await memory.aput(said("user", f"Is it afloat? {LONG}"))
    return "yes" if "Is it afloat?" in str((await memory.aget())[-1].content) else "no"


async def react(memory: Any) -> str:
    await fill(memory)
    await memory.aget()
    seen: list[Any] = []
    await ReActAgent(llm=function_llm(seen=seen), tools=[look], streaming=False).run("So?", memory=memory)
    first = str((await memory.aget())[0].content)
    return "seen" if any(str(message.content) == first for message in seen[-1]) else "never seen"


def look(at: str) -> str:
    """Look at a boat."""
    return f"a line of the log of {at}\n" * 250


async def agent_turn(agent: Callable[..., Any], memory: Any) -> str:
    calls = [
        ChatMessage(
            role="assistant",
            blocks=[
                li.ToolCallBlock(tool_call_id=f"c{number}", tool_name="look", tool_kwargs={"at": "boat"})
            ],
        )
        for number in range(5)
    ]
    seen: list[Any] = []
    await agent(llm=function_llm(*calls, seen=seen), tools=[look], streaming=False).run(
        "Look.", memory=memory
    )
    return max(tokens(request).rjust(20) for request in seen).strip()


async def turn() -> str:
    return await agent_turn(FunctionAgent, Memory.from_defaults(session_id="s", token_limit=3000))


async def our_turn() -> str:
    return await agent_turn(CompactingFunctionAgent, ours(token_limit=3000))
