"""What chains take as ``memory=``: LangChain's base class where it is there, else one with its surface."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from langchain_core.load.serializable import Serializable
from langchain_core.runnables import run_in_executor
from pydantic import ConfigDict


class PlainMemory(Serializable, ABC):
    """The surface of langchain-classic's ``BaseMemory``, which goes away with LangChain 2."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    @property
    @abstractmethod
    def memory_variables(self) -> list[str]:
        """The keys that a chain's inputs gain."""

    @abstractmethod
    def load_memory_variables(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """What they hold."""

    async def aload_memory_variables(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """`load_memory_variables` in a worker thread."""
        return await run_in_executor(None, self.load_memory_variables, inputs)

    @abstractmethod
    def save_context(self, inputs: dict[str, Any], outputs: dict[str, Any]) -> None:
        """Keep a turn."""

    async def asave_context(self, inputs: dict[str, Any], outputs: dict[str, Any]) -> None:
        """`save_context` in a worker thread."""
        await run_in_executor(None, self.save_context, inputs, outputs)

    @abstractmethod
    def clear(self) -> None:
        """Let go of everything."""

    async def aclear(self) -> None:
        """`clear` in a worker thread."""
        await run_in_executor(None, self.clear)


def _found() -> type[Any]:
    try:
        from langchain_classic.base_memory import BaseMemory as Upstream
    except (ImportError, AttributeError):
        return PlainMemory
    return Upstream


if TYPE_CHECKING:
    from langchain_classic.base_memory import BaseMemory
else:
    BaseMemory = _found()

__all__ = ["BaseMemory", "PlainMemory"]
