"""Where an agent's turn is kept while it lasts, and what of it a model call is given."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.memory import BaseMemory

from context_compaction import Budget, TokenCounter, acompact
from llamaindex_compaction.memory import CompactionMemory
from llamaindex_compaction.messages import read_all, write_all

TURN = "compaction_turn"
"""Under which key of a run's context a turn is kept that its memory is not told of yet."""
Edits = Sequence[Mapping[str, Any]] | None
Told = Callable[[list[ChatMessage]], list[ChatMessage]]


class Keeper(ABC):
    """Keeps the calls and results of a turn as they arise."""

    counter: TokenCounter

    @abstractmethod
    async def fitted(self, said: list[ChatMessage], budget: Budget, edits: Edits) -> list[ChatMessage]:
        """What to send, given what the workflow got from the memory. Raises `CannotCompact`."""

    @abstractmethod
    async def keep(self, messages: list[ChatMessage]) -> None:
        """These were said."""

    @abstractmethod
    async def finish(self, told: Told) -> None:
        """The turn is over; ``told``: how the memory is to read what was kept."""


class InMemory(Keeper):
    """In a `CompactionMemory`, whose session says what to send."""

    def __init__(self, memory: CompactionMemory) -> None:
        self._memory = memory
        self.counter = memory.counter

    async def fitted(self, said: list[ChatMessage], budget: Budget, edits: Edits) -> list[ChatMessage]:
        """As the memory has it, unless it has less room than the memory's limit, or edits are asked for.

        The workflow may have changed the last message (it writes its state into it), and add some of its own.
        """
        got = await self._memory.aget()
        added, last = said[len(got) :], said[len(got) - 1 : len(got)]
        changed = last if got and last != got[-1:] else []
        more = self._tokens([*added, *changed]) - (self._tokens(got[-1:]) if changed else 0)
        overhead = self._memory.token_limit - budget.input_tokens + max(0, more)
        if overhead <= 0 and not edits:
            return said
        shown = write_all(await self._memory.session.acontext(max(0, overhead), edits))
        if changed and shown[-1:] == got[-1:]:
            shown[-1] = changed[0]
        return [*shown, *added]

    async def keep(self, messages: list[ChatMessage]) -> None:
        """In the archive when this returns."""
        await self._memory.aput_messages(messages)

    async def finish(self, told: Told) -> None:
        """All is there."""

    def _tokens(self, messages: list[ChatMessage]) -> int:
        return self.counter.messages(read_all(messages))


class InContext(Keeper):
    """In the run's context, for a memory that cannot make room in a turn: what is sent is cut by rule."""

    def __init__(self, memory: BaseMemory, ctx: Any) -> None:
        self._memory = memory
        self._ctx = ctx
        self.counter = TokenCounter.of(None)

    async def fitted(self, said: list[ChatMessage], budget: Budget, edits: Edits) -> list[ChatMessage]:
        """What the memory gave and the turn, compacted as if for the first time."""
        shown, _ = await acompact(
            read_all([*said, *await self._turn()]),
            budget=budget,
            counter=self.counter,
            context_management=edits,
        )
        return write_all(shown)

    async def keep(self, messages: list[ChatMessage]) -> None:
        """Beside the memory."""
        await self._ctx.store.set(TURN, [*await self._turn(), *messages])

    async def finish(self, told: Told) -> None:
        """The memory is told of the turn."""
        turn = await self._turn()
        await self._ctx.store.set(TURN, [])
        await self._memory.aput_messages(told(turn))

    async def _turn(self) -> list[ChatMessage]:
        return await self._ctx.store.get(TURN, default=[])


def keeper_of(memory: BaseMemory, ctx: Any) -> Keeper:
    """The one that suits the memory of a run."""
    return InMemory(memory) if isinstance(memory, CompactionMemory) else InContext(memory, ctx)
