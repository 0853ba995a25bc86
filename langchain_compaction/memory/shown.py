"""`Showing`: what a memory shows, in all the forms that chains and their users ask for."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any

from langchain_core.messages import BaseMessage, get_buffer_string
from langchain_core.runnables import run_in_executor

from context_compaction import Message
from langchain_compaction.memory.base import BaseMemory
from langchain_compaction.messages import to_langchain, write_all


class Showing(BaseMemory):
    """The reading half of a memory, as LangChain's buffer memories have it."""

    memory_key: str = "history"
    """Under which name a chain's prompt finds it."""
    return_messages: bool = False
    """Show messages instead of text."""
    human_prefix: str = "Human"
    ai_prefix: str = "AI"

    @abstractmethod
    def _shown(self, inputs: Mapping[str, Any] | None = None) -> list[Message]:
        """The messages to show now; with what a chain's ``inputs`` ask about, if they are given."""

    @property
    def memory_variables(self) -> list[str]:
        """The one key."""
        return [self.memory_key]

    def load_memory_variables(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """What to show now, under the key: text, or messages. Raises `CannotCompact`, `ArchiveError`.

        What the input asks about and is shown no more stands behind the rest, word for word.
        """
        return {self.memory_key: self._formed(self._shown(inputs))}

    @property
    def buffer(self) -> str | list[BaseMessage]:
        """What is shown, as ``return_messages`` has it."""
        return self._formed(self._shown())

    @property
    def buffer_as_str(self) -> str:
        """What is shown, as text."""
        return _text(self._shown(), self.human_prefix, self.ai_prefix)

    @property
    def buffer_as_messages(self) -> list[BaseMessage]:
        """What is shown, as messages."""
        return write_all(self._shown())

    def _formed(self, shown: list[Message]) -> str | list[BaseMessage]:
        return write_all(shown) if self.return_messages else _text(shown, self.human_prefix, self.ai_prefix)

    async def abuffer(self) -> str | list[BaseMessage]:
        """`buffer` in a worker thread."""
        return await run_in_executor(None, lambda: self.buffer)

    async def abuffer_as_str(self) -> str:
        """`buffer_as_str` in a worker thread."""
        return await run_in_executor(None, lambda: self.buffer_as_str)

    async def abuffer_as_messages(self) -> list[BaseMessage]:
        """`buffer_as_messages` in a worker thread."""
        return await run_in_executor(None, lambda: self.buffer_as_messages)


def _text(messages: Iterable[Message], human_prefix: str, ai_prefix: str) -> str:
    """A line a message, each with its speaker; what is the engine's own speaks for itself."""
    lines = (
        message.text
        if message.is_context or message.is_recalled
        else get_buffer_string([to_langchain(message)], human_prefix=human_prefix, ai_prefix=ai_prefix)
        for message in messages
    )
    return "\n".join(lines)
