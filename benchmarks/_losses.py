"""What LlamaIndex's own memories lose, each tried on the installed version, and the same on ours."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from benchmarks import _losses_memories as memories
from benchmarks import _losses_tried as tried

Try = Callable[[], Awaitable[str]]
Make = Callable[[], Any]


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
        _same("Memory", "40 messages put at once: kept", tried.at_once, memories.stock, memories.ours),
        Loss(
            "Memory",
            "10 sessions in one store, 10 puts each at once: kept",
            tried.shared_store,
            tried.shared_archive,
        ),
        _same(
            "Memory", "set() after something left: kept of 40", tried.set_again, memories.small, memories.ours
        ),
        Loss("Memory", "its block or summary raises: kept of 40", tried.raising_block, tried.raising_drafter),
        _same(
            "Memory",
            "20 answers with 500 tokens of thinking, limit 2,000: shown",
            tried.thinking,
            memories.wide,
            memories.ours2k,
        ),
        _same(
            "Memory", "the system message, over the limit: shown", tried.system, memories.small, memories.ours
        ),
        _same(
            "Memory",
            "one question of 2,400 tokens, limit 600: shown",
            tried.one_long,
            memories.small,
            memories.ours,
        ),
        _same("Memory", "an empty list is put", tried.empty, memories.stock, memories.ours),
        _same("Memory", "an image in a buffer is put", tried.buffer, memories.stock, memories.ours),
        _same(
            "Memory",
            "a workflow's Context, written down and read: its messages",
            tried.context,
            memories.stock,
            memories.ours,
        ),
        _same("ChatMemoryBuffer", "the same", tried.context, memories.chat_buffer, memories.ours),
        _same(
            "ChatMemoryBuffer",
            "a result over the limit: roles shown",
            tried.result,
            memories.chat_buffer,
            memories.ours,
        ),
        _same(
            "ChatMemoryBuffer",
            "the system message, over the limit: shown",
            tried.system,
            memories.chat_buffer,
            memories.ours,
        ),
        _same(
            "ChatMemoryBuffer",
            "10 calls of 500 tokens, limit 600: shown",
            tried.calls,
            memories.chat_buffer,
            memories.ours,
        ),
        _same("ChatMemoryBuffer", "to_string()", tried.string, memories.chat_buffer, memories.ours),
        _same(
            "ChatMemoryBuffer", "a prompt over the limit", tried.prompt, memories.chat_buffer, memories.ours
        ),
        _same(
            "ChatMemoryBuffer",
            "a workflow's state in what was said",
            tried.state,
            memories.chat_buffer,
            memories.ours,
        ),
        Loss(
            "ChatSummaryMemoryBuffer", "its LLM raises: kept of 40", tried.raising_llm, tried.raising_drafter
        ),
        _same(
            "ChatSummaryMemoryBuffer",
            "originals after a summary: kept of 40",
            tried.kept,
            memories.summing,
            memories.ours,
        ),
        _same(
            "ChatSummaryMemoryBuffer",
            "without an LLM: kept of 40",
            tried.kept,
            memories.no_llm,
            memories.ours,
        ),
        _same(
            "ChatSummaryMemoryBuffer",
            "a question over the limit: shown",
            tried.question,
            memories.summing,
            memories.ours,
        ),
        _same(
            "ChatSummaryMemoryBuffer",
            "the summary, to a ReActAgent's model",
            tried.react,
            memories.summing,
            memories.ours,
        ),
        Loss(
            "FunctionAgent",
            "5 results of 2,000 tokens in a turn: largest request",
            tried.turn,
            tried.our_turn,
        ),
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


def _same(whose: str, what: str, attempt: Callable[[Any], Awaitable[str]], theirs: Make, ours: Make) -> Loss:
    """The same is done with both memories."""
    return Loss(whose, what, lambda: attempt(theirs()), lambda: attempt(ours()))
