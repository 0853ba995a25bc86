"""Memories that something was put into."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llamaindex_compaction import CompactionMemory
from llamaindex_compaction.messages import read_all
from tests.checker import independent_count
from tests.llamaindex.chatting import turns

if TYPE_CHECKING:
    from llama_index.core.base.llms.types import ChatMessage


def memory_of(messages: list[ChatMessage], **options: Any) -> CompactionMemory:
    memory = CompactionMemory.from_defaults(**{"token_limit": 1000, **options})
    memory.put_messages(messages)
    return memory


def filled(count: int = 40, **options: Any) -> CompactionMemory:
    memory = CompactionMemory.from_defaults(**{"token_limit": 1000, **options})
    for turn in turns(count):
        memory.put_messages(turn)
    return memory


def tokens(messages: list[ChatMessage]) -> int:
    """By a count that is not the package's."""
    return independent_count([message.to_openai() for message in read_all(messages)])
