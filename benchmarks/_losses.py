"""What LlamaIndex's own memories lose, each tried on the installed version, and the same on ours."""

from __future__ import annotations

import asyncio
import base64
import io
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llama_index.core.agent.workflow import AgentWorkflow, FunctionAgent, ReActAgent
from llama_index.core.base.llms import types as li
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.llms import MockLLM
from llama_index.core.llms.mock import MockFunctionCallingLLM
from llama_index.core.memory import (
    BaseMemory,
    ChatMemoryBuffer,
    ChatSummaryMemoryBuffer,
    Memory,
)
from llama_index.core.memory.memory import BaseMemoryBlock
from llama_index.core.storage.chat_store.base_db import MessageStatus
from llama_index.core.workflow import Context

from context_compaction import DrafterError, SummaryDrafter, TokenCounter
from llamaindex_compaction import CompactingFunctionAgent, CompactionMemory, from_llamaindex

Try = Callable[[], Awaitable[str]]
COUNT = TokenCounter.of(None)
LONG = "Tell me more of it, please. " * 300


@dataclass(frozen=True)
class Loss:
    """One thing that is lost: whose, what, and how it is tried on theirs and on ours."""

    whose: str
    what: str
    theirs: Try
    ours: Try


def losses() -> list[Loss]:
    """All of them."""
    return [
        _same("Memory", "40 messages put at once: kept", _at_once, _stock, _ours),
        Loss(
            "Memory", "10 sessions in one store, 10 puts each at once: kept", _shared_store, _shared_archive
        ),
        _same("Memory", "set() after something left: kept of 40", _set_again, _small, _ours),
        Loss("Memory", "its block or summary raises: kept of 40", _raising_block, _raising_drafter),
        _same(
            "Memory", "20 answers with 500 tokens of thinking, limit 2,000: shown", _thinking, _wide, _ours2k
        ),
        _same("Memory", "the system message, over the limit: shown", _system, _small, _ours),
        _same("Memory", "one question of 2,400 tokens, limit 600: shown", _one_long, _small, _ours),
        _same("Memory", "an empty list is put", _empty, _stock, _ours),
        _same("Memory", "an image in a buffer is put", _buffer, _stock, _ours),
        _same("Memory", "a workflow's Context, written down and read: its messages", _context, _stock, _ours),
        _same("ChatMemoryBuffer", "the same", _context, _chat_buffer, _ours),
        _same("ChatMemoryBuffer", "a result over the limit: roles shown", _result, _chat_buffer, _ours),
        _same("ChatMemoryBuffer", "the system message, over the limit: shown", _system, _chat_buffer, _ours),
        _same("ChatMemoryBuffer", "10 calls of 500 tokens, limit 600: shown", _calls, _chat_buffer, _ours),
        _same("ChatMemoryBuffer", "to_string()", _string, _chat_buffer, _ours),
        _same("ChatMemoryBuffer", "a prompt over the limit", _prompt, _chat_buffer, _ours),
        _same("ChatMemoryBuffer", "a workflow's state in what was said", _state, _chat_buffer, _ours),
        Loss("ChatSummaryMemoryBuffer", "its LLM raises: kept of 40", _raising_llm, _raising_drafter),
        _same("ChatSummaryMemoryBuffer", "originals after a summary: kept of 40", _kept, _summing, _ours),
        _same("ChatSummaryMemoryBuffer", "without an LLM: kept of 40", _kept, _no_llm, _ours),
        _same("ChatSummaryMemoryBuffer", "a question over the limit: shown", _question, _summing, _ours),
        _same("ChatSummaryMemoryBuffer", "the summary, to a ReActAgent's model", _react, _summing, _ours),
        Loss("FunctionAgent", "5 results of 2,000 tokens in a turn: largest request", _turn, _our_turn),
    ]


def told(attempt: Try) -> str:
    """What came of it, or what was raised."""
    try:
        return asyncio.run(_bounded(attempt))
    except Exception as error:  # noqa: BLE001 - what they raise is what the table tells
        return f"raises {type(error).__name__}"


async def _bounded(attempt: Try) -> str:
    async with asyncio.timeout(60):
        return await attempt()


# -- memories --------------------------------------------------------------------------------------------

Make = Callable[[], Any]


def _same(whose: str, what: str, attempt: Callable[[Any], Awaitable[str]], theirs: Make, ours: Make) -> Loss:
    """The same is done with both memories."""
    return Loss(whose, what, lambda: attempt(theirs()), lambda: attempt(ours()))


def _stock() -> Memory:
    return Memory.from_defaults(session_id="s")


def _small() -> Memory:
    return Memory.from_defaults(session_id="s", token_limit=600, token_flush_size=100)


def _wide() -> Memory:
    return Memory.from_defaults(session_id="s", token_limit=2000, token_flush_size=100)


def _chat_buffer() -> ChatMemoryBuffer:
    return ChatMemoryBuffer.from_defaults(token_limit=600)


def _summing(llm: Any = None) -> ChatSummaryMemoryBuffer:
    return ChatSummaryMemoryBuffer.from_defaults(llm=llm or MockLLM(max_tokens=20), token_limit=600)


def _no_llm() -> ChatSummaryMemoryBuffer:
    return ChatSummaryMemoryBuffer.from_defaults(token_limit=600)


def _ours(**options: Any) -> CompactionMemory:
    return CompactionMemory.from_defaults(**{"token_limit": 600, **options})


def _ours2k() -> CompactionMemory:
    return _ours(token_limit=2000)


# -- what is tried ---------------------------------------------------------------------------------------


def _said(role: str, text: str) -> ChatMessage:
    return ChatMessage(role=role, content=text)


def _turns(count: int = 20) -> list[ChatMessage]:
    return [
        message
        for number in range(count)
        for message in (
            _said("user", f"What of boat {number}? " * 8),
            _said("assistant", f"Boat {number} floats. " * 8),
        )
    ]


async def _fill(memory: BaseMemory) -> None:
    for message in _turns():
        await memory.aput(message)


async def _all(memory: Any) -> list[ChatMessage]:
    return await memory.aget_all()


def _tokens(messages: Sequence[ChatMessage]) -> str:
    return f"{COUNT.messages(map(from_llamaindex, messages)):,} tokens"


async def _at_once(memory: Any) -> str:
    await memory.aput(_said("user", "first"))
    await asyncio.gather(*(memory.aput(_said("user", str(number))) for number in range(40)))
    return f"{len({message.content for message in await _all(memory)} - {'first'})}"


async def _shared_store() -> str:
    first = _stock()
    await first.aput(_said("user", "first"))
    memories = [
        Memory.from_defaults(session_id=f"s{number}", chat_store=first.sql_store) for number in range(10)
    ]
    return await _ten_sessions(memories)


async def _shared_archive() -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chat.db"
        memories = [_ours(session_id=f"s{number}", archive=path) for number in range(10)]
        kept = await _ten_sessions(memories)
        for memory in memories:
            memory.close()
        return kept


async def _ten_sessions(memories: Sequence[Any]) -> str:
    await asyncio.gather(
        *(memory.aput(_said("user", str(number))) for number in range(10) for memory in memories)
    )
    return str(sum([len(await _all(memory)) for memory in memories]))


async def _set_again(memory: Any) -> str:
    await _fill(memory)
    await memory.aset(await memory.aget())
    return f"{len(await _all(memory))}"


class _Raising(BaseMemoryBlock[str]):
    async def _aget(self, *_: Any, **__: Any) -> str:
        return ""

    async def _aput(self, *_: Any) -> None:
        raise ConnectionError


async def _raising_block() -> str:
    memory = Memory.from_defaults(
        session_id="s", token_limit=600, token_flush_size=100, memory_blocks=[_Raising(name="raising")]
    )
    raised = 0
    for message in _turns():
        try:
            await memory.aput(message)
        except ConnectionError:
            raised += 1
    archived = len(await memory.aget_all(status=MessageStatus.ARCHIVED))
    return f"{archived} never delivered, {raised} turns failed"


class _Failing(SummaryDrafter):
    name = "failing"
    window = None
    deadline = None

    def draft(self, *_: Any, **__: Any) -> Any:
        raise DrafterError("gone")


async def _raising_drafter() -> str:
    memory = _ours(drafter=_Failing())
    await _fill(memory)
    await memory.aget()
    return f"{len(await _all(memory))}"


async def _thinking(memory: Any) -> str:
    for number in range(20):
        thought = li.ThinkingBlock(content="so it is then " * 125)
        await memory.aput(_said("user", f"And {number}?"))
        await memory.aput(ChatMessage(role="assistant", blocks=[thought, li.TextBlock(text="Yes.")]))
    return _tokens(await memory.aget())


async def _system(memory: Any) -> str:
    await memory.aput(_said("system", "You speak of boats only."))
    await _fill(memory)
    return "yes" if any(message.role == "system" for message in await memory.aget()) else "no"


async def _one_long(memory: Any) -> str:
    await memory.aput(_said("user", LONG))
    return _tokens(await memory.aget())


async def _empty(memory: Any) -> str:
    await memory.aput_messages([])
    return "nothing happens"


async def _buffer(memory: Any) -> str:
    await memory.aput(ChatMessage(role="user", blocks=[li.ImageBlock(image=io.BytesIO(b"\x89PNG"))]))
    [message] = await _all(memory)
    data = message.blocks[0].resolve_image().read()
    return "kept" if data == b"\x89PNG" or base64.b64decode(data) == b"\x89PNG" else "changed"


def _function_llm(*answers: ChatMessage, seen: list[Any] | None = None) -> MockFunctionCallingLLM:
    script = list(answers)

    def answer(messages: Sequence[ChatMessage], **_: Any) -> ChatMessage:
        if seen is not None:
            seen.append(list(messages))
        return script.pop(0) if script else _said("assistant", "Thought: I know.\nAnswer: Yes.")

    return MockFunctionCallingLLM(response_generator=answer)


async def _context(memory: Any) -> str:
    agent = FunctionAgent(llm=_function_llm(), tools=[_look])
    ctx = Context(agent)
    await agent.run("What is a tide?", ctx=ctx, memory=memory)
    written = ctx.to_dict()
    if isinstance(memory, CompactionMemory):
        memory.close()  # else the very same memory is found again
    again = Context.from_dict(agent, written)
    await agent.run("And now?", ctx=again)
    return f"{len(await _all(await again.store.get('memory')))} of 4"


async def _result(memory: Any) -> str:
    call = li.ToolCallBlock(tool_call_id="c1", tool_name="look", tool_kwargs={})
    await memory.aput(_said("user", "Look."))
    await memory.aput(ChatMessage(role="assistant", blocks=[call]))
    kwargs = {"tool_call_id": "c1"}
    await memory.aput(ChatMessage(role="tool", content="a line\n" * 2000, additional_kwargs=kwargs))
    return ", ".join(message.role.value for message in await memory.aget())


async def _calls(memory: Any) -> str:
    for number in range(10):
        arguments = f'{{"text": "{"more of it " * 160}"}}'
        call = {"id": f"c{number}", "type": "function", "function": {"name": "write", "arguments": arguments}}
        await memory.aput(_said("user", f"Write {number}."))
        await memory.aput(ChatMessage(role="assistant", additional_kwargs={"tool_calls": [call]}))
        kwargs = {"tool_call_id": f"c{number}"}
        await memory.aput(ChatMessage(role="tool", content="written", additional_kwargs=kwargs))
    return _tokens(await memory.aget())


async def _string(memory: Any) -> str:
    await memory.aput(_said("user", "hello"))
    return "works" if type(memory).from_string(memory.to_string()).get_all() else "empty"


async def _prompt(memory: Any) -> str:
    await memory.aput(_said("user", "hello"))
    return f"{len(await memory.aget(initial_token_count=601))} message shown"


async def _state(memory: Any) -> str:
    agent = FunctionAgent(name="a", llm=_function_llm(), tools=[_look])
    flow = AgentWorkflow(agents=[agent], root_agent="a", initial_state={"mood": "calm"})
    await flow.run("What is a tide?", memory=memory)
    return str((await _all(memory))[0].content).replace("\n", " ")[:40]


class _RaisingLLM(MockLLM):
    def chat(self, *_: Any, **__: Any) -> Any:
        raise ConnectionError("gone")


async def _raising_llm() -> str:
    memory = _summing(_RaisingLLM())
    await _fill(memory)
    try:
        await memory.aget()
    except ConnectionError:
        newest = _turns()[-1] in memory.get_all()
        return f"{len(memory.get_all())}, the newest {'is there' if newest else 'is gone'}; get raises"
    return "no error"


async def _kept(memory: Any) -> str:
    await _fill(memory)
    await memory.aget()
    return f"{len(await _all(memory))}"


async def _question(memory: Any) -> str:
    await _fill(memory)
    await memory.aput(_said("user", f"Is it afloat? {LONG}"))
    return "yes" if "Is it afloat?" in str((await memory.aget())[-1].content) else "no"


async def _react(memory: Any) -> str:
    await _fill(memory)
    await memory.aget()
    seen: list[Any] = []
    await ReActAgent(llm=_function_llm(seen=seen), tools=[_look], streaming=False).run("So?", memory=memory)
    first = str((await memory.aget())[0].content)
    return "seen" if any(str(message.content) == first for message in seen[-1]) else "never seen"


def _look(at: str) -> str:
    """Look at a boat."""
    return f"a line of the log of {at}\n" * 250


async def _agent_turn(agent: Callable[..., Any], memory: Any) -> str:
    calls = [
        ChatMessage(
            role="assistant",
            blocks=[
                li.ToolCallBlock(tool_call_id=f"c{number}", tool_name="_look", tool_kwargs={"at": "boat"})
            ],
        )
        for number in range(5)
    ]
    seen: list[Any] = []
    await agent(llm=_function_llm(*calls, seen=seen), tools=[_look], streaming=False).run(
        "Look.", memory=memory
    )
    return max(_tokens(request).rjust(20) for request in seen).strip()


async def _turn() -> str:
    return await _agent_turn(FunctionAgent, Memory.from_defaults(session_id="s", token_limit=3000))


async def _our_turn() -> str:
    return await _agent_turn(CompactingFunctionAgent, _ours(token_limit=3000))
