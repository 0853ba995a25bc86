"""The largest request of one long turn of an agent, with LlamaIndex's agents and memories and with ours."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks import Contest, Skipped, Table

STEPS = 40
"""Tool calls of the turn."""
SHOWN = (1, 2, 5, 10, 20, 40)
"""Steps whose request is shown."""
WINDOW, LIMIT = 8192, 4000
"""Of the model, and what the memories are told to show; in tokens."""
WORDS = 2000
"""Of a tool's result."""


def run(data: Path | None, *, quick: bool = False) -> Table:  # noqa: ARG001 - the turn is made here
    """Counted tokens of the requests, and how many of the results can be had back afterwards."""
    steps = 5 if quick else STEPS
    shown = [step for step in SHOWN if step <= steps]
    rows: list[Sequence[object]] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # LlamaIndex's workflows ask for deprecated things
        for name, agent, memory in _contenders():
            sizes, kept = asyncio.run(_turn(agent, memory(), steps))
            cells = [f"{sizes[step]:,}" if step < len(sizes) else "" for step in shown]
            rows.append([name, *cells, f"{max(sizes):,}", f"{kept} of {steps}"])
    columns = ["what", *(f"after {step}" for step in shown), "largest", "kept"]
    notes = [
        f"one turn of {steps} tool calls, results of {WORDS:,} tokens each; a window of {WINDOW:,}",
        f"every memory has a limit of {LIMIT:,} tokens",
        "kept: results that the memory gives back word for word when the turn is over",
    ]
    theirs = [str(row[0]) for row in rows if "our" not in str(row[0])]
    contest = Contest("ours", theirs, less=["largest"], more=["kept"])
    return Table("One long turn of an agent: tokens of a request", columns, rows, notes, [contest])


def _contenders() -> Iterator[tuple[str, type[Any], Callable[[], Any]]]:
    try:
        from llama_index.core.agent.workflow import FunctionAgent
        from llama_index.core.memory import ChatMemoryBuffer, ChatSummaryMemoryBuffer, Memory
    except ImportError:
        raise Skipped("llama-index-core is not installed, so there is nothing to compare with") from None
    from llamaindex_compaction import CompactingFunctionAgent, CompactionMemory

    theirs = (Memory, ChatMemoryBuffer, ChatSummaryMemoryBuffer)
    for memory in theirs:
        yield f"FunctionAgent, {memory.__name__}", FunctionAgent, _made(memory)
    yield "FunctionAgent, our memory", FunctionAgent, _made(CompactionMemory)
    yield "our agent, ChatMemoryBuffer", CompactingFunctionAgent, _made(ChatMemoryBuffer)
    yield "ours", CompactingFunctionAgent, _made(CompactionMemory)


def _made(memory: Any) -> Callable[[], Any]:
    return lambda: memory.from_defaults(token_limit=LIMIT)


async def _turn(agent: type[Any], memory: Any, steps: int) -> tuple[list[int], int]:
    """Tokens of each request, and how many results the memory still has."""
    llm, sizes = _model(steps)

    def look(day: int) -> str:
        return _result(day)

    await agent(tools=[look], llm=llm, streaming=False).run("Look.", memory=memory, max_iterations=steps + 2)
    said = "\n".join(message.content or "" for message in await memory.aget_all())
    engine = getattr(getattr(memory, "sql_store", None), "_async_engine", None)
    if engine is not None:
        await engine.dispose()
    return sizes, sum(_result(day) in said for day in range(steps))


def _result(day: int) -> str:
    return f"Of day {day}:" + " quiet" * (WORDS - 8)


def _model(steps: int) -> tuple[Any, list[int]]:
    """It calls the tool so many times, one by one; and the list of how long its requests were."""
    from llama_index.core.base.llms.types import ChatMessage, LLMMetadata, ToolCallBlock
    from llama_index.core.llms.llm import ToolSelection
    from llama_index.core.llms.mock import MockFunctionCallingLLM

    from context_compaction import TokenCounter
    from llamaindex_compaction.messages import read_all

    counter, sizes = TokenCounter.of(None), list[int]()

    def answer(messages: Sequence[Any], **_: Any) -> ChatMessage:
        day = len(sizes)
        sizes.append(counter.messages(read_all(messages)))
        if day == steps:
            return ChatMessage(role="assistant", content="All quiet.")
        call = ToolCallBlock(tool_call_id=f"c{day}", tool_name="look", tool_kwargs={"day": day})
        return ChatMessage(role="assistant", blocks=[call])

    class Model(MockFunctionCallingLLM):
        @property
        def metadata(self) -> LLMMetadata:
            return LLMMetadata(context_window=WINDOW, is_chat_model=True, is_function_calling_model=True)

        def get_tool_calls_from_response(self, response: Any, **_: Any) -> list[ToolSelection]:
            return [
                ToolSelection(tool_id=block.tool_call_id, tool_name="look", tool_kwargs=block.tool_kwargs)
                for block in response.message.blocks
                if isinstance(block, ToolCallBlock)
            ]

    return Model(response_generator=answer), sizes
