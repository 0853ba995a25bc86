"""Memories that LlamaIndex's losses are tried on, theirs and ours, and what is said to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.llms import MockLLM
from llama_index.core.memory import (
    BaseMemory,
    ChatMemoryBuffer,
    ChatSummaryMemoryBuffer,
    Memory,
)

from context_compaction import TokenCounter
from llamaindex_compaction import CompactionMemory, from_llamaindex

COUNT = TokenCounter.of(None)
LONG = "Tell me more of it, please. " * 300


def stock() -> Memory:
    return Memory.from_defaults(session_id="s")


def small() -> Memory:
    return Memory.from_defaults(session_id="s", token_limit=600, token_flush_size=100)


def wide() -> Memory:
    return Memory.from_defaults(session_id="s", token_limit=2000, token_flush_size=100)


def chat_buffer() -> ChatMemoryBuffer:
    return ChatMemoryBuffer.from_defaults(token_limit=600)


def summing(llm: Any = None) -> ChatSummaryMemoryBuffer:
    return ChatSummaryMemoryBuffer.from_defaults(llm=llm or MockLLM(max_tokens=20), token_limit=600)


def no_llm() -> ChatSummaryMemoryBuffer:
    return ChatSummaryMemoryBuffer.from_defaults(token_limit=600)


def ours(**options: Any) -> CompactionMemory:
    return CompactionMemory.from_defaults(**{"token_limit": 600, **options})


def ours2k() -> CompactionMemory:
    return ours(token_limit=2000)


def said(role: str, text: str) -> ChatMessage:
    return ChatMessage(role=role, content=text)


def turns(count: int = 20) -> list[ChatMessage]:
    return [
        message
        for number in range(count)
        for message in (
            said("user", f"What of boat {number}? " * 8),
            said("assistant", f"Boat {number} floats. " * 8),
        )
    ]


async def fill(memory: BaseMemory) -> None:
    for message in turns():
        await memory.aput(message)


async def everything(memory: Any) -> list[ChatMessage]:
    return await memory.aget_all()


def tokens(messages: Sequence[ChatMessage]) -> str:
    return f"{COUNT.messages(map(from_llamaindex, messages)):,} tokens"
