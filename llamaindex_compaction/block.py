"""`CompactionMemoryBlock`: for `Memory`, what has left its queue, condensed, and searchable."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.bridge.pydantic import Field, PrivateAttr
from llama_index.core.memory.memory import BaseMemoryBlock

from context_compaction import (
    ArchiveError,
    Message,
    Session,
    apast_context,
)
from context_compaction.faces import drafters_of
from llamaindex_compaction.fields import SessionFields
from llamaindex_compaction.messages import read_all
from llamaindex_compaction.post_turn import aafter_turn
from llamaindex_compaction.sessions import RUNTIME, counter_of

logger = logging.getLogger(__name__)
_QUERY = 400
"""Characters of the newest message that are searched for."""


class CompactionMemoryBlock(SessionFields, BaseMemoryBlock[str]):
    """A block of LlamaIndex's `Memory` that keeps what its queue lets go of, and shows ``token_limit`` of it.

        memory = Memory.from_defaults(memory_blocks=[CompactionMemoryBlock(llm=llm, archive="chat.db")])

    Each session of a `Memory` is a session of the archive. A summary that fails loses nothing, and an archive
    that fails fails no turn: what it did not take is taken with what comes next. `Memory` itself loses or
    repeats messages when they are put at once; `CompactionMemory` does not. Close it when you are done.
    """

    name: str = Field(default="EarlierConversation", description="The name of the block.")
    description: str | None = Field(default="What was said earlier, condensed.")
    token_limit: int = Field(default=2000, description="Tokens that the block may show.")
    found: int = Field(
        default=2, ge=0, description="How many messages that fit the newest one are shown besides."
    )
    namespace: str = Field(default="default")
    llm: Any = Field(default=None, **RUNTIME)
    """An LLM that writes the summaries; behind ``drafter``, if that is given, too."""
    tokenizer_fn: Callable[[str], Sequence[Any]] | None = Field(default=None, **RUNTIME)
    _owed: dict[str, list[Message]] = PrivateAttr(default_factory=dict[str, list[Message]])

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._sessions = self._sessions_in(
            self._open(),
            self.token_limit,
            namespace=self.namespace,
            drafter=drafters_of(self.drafter, self.llm),
            counter=counter_of(self.tokenizer_fn),
        )

    def session(self, session_id: str) -> Session:
        """The engine's session behind a `Memory`'s: search, expand, events."""
        return self._sessions.get(session_id)

    def _repr_html_(self) -> str | None:
        """For notebooks: the session that was used last. Closed or unused, it is shown as text."""
        return self._sessions.html()

    async def aput(
        self,
        messages: list[ChatMessage],
        from_short_term_memory: bool = False,  # noqa: FBT001, FBT002 - LlamaIndex's
        session_id: str | None = None,
    ) -> None:
        """Keep them, as they are. Raises `InvalidMessage`."""
        if from_short_term_memory and not self.accept_short_term_memory:
            return
        read, key = read_all(messages), session_id or "default"
        owed = self._owed.pop(key, [])
        try:
            session = self.session(key)
            await session.aappend([*owed, *read])
        except ArchiveError:
            self._owed[key] = [*owed, *read, *self._owed.get(key, [])]
            logger.exception("%d messages wait until the archive takes them", len(self._owed[key]))
            return
        await aafter_turn(session)

    async def _aput(self, messages: list[ChatMessage]) -> None:
        await self.aput(messages)

    async def _aget(
        self, messages: list[ChatMessage] | None = None, session_id: str | None = None, **_: Any
    ) -> str:
        """What has left `Memory`'s queue, as text; empty while nothing has."""
        session = self.session(session_id or "default")
        shown = await apast_context(session)
        lines = [message.text if message.is_context else _line(message) for message in shown]
        return "\n".join([*lines, *await self._fitting(session, shown, messages or [])])

    async def atruncate(self, content: str, tokens_to_truncate: int) -> str | None:
        """The beginning of it, which holds the summaries; None if nothing would be left."""
        tokens = self._sessions.counter.text(content) if self._sessions.counter else len(content)
        if tokens_to_truncate >= tokens:
            return None
        return content[: int(len(content) * (1 - tokens_to_truncate / tokens) * 0.95)]

    async def _fitting(
        self, session: Session, shown: Sequence[Message], asked: Sequence[ChatMessage]
    ) -> list[str]:
        """Word for word, what fits the newest message best of what is not shown, as far as there is room."""
        query = next((text for message in reversed(asked) if (text := message.content)), "")[:_QUERY]
        counter, said = session.counter, {message.text for message in shown}
        room = self.token_limit - counter.messages(shown)
        out: list[str] = []
        for hit in await session.arecall(query, self.found) if query.strip() and shown and self.found else ():
            line = "" if hit.message is None else f"[{hit.ref}] {_line(hit.message)}"
            tokens = counter.text(line) + 1
            if hit.message is not None and hit.message.text not in said and tokens <= room:
                room -= tokens
                out.append(line)
        return out


def _line(message: Message) -> str:
    calls = [f"{call.name}({call.arguments})" for call in message.tool_calls]
    return f"{message.role}: {' '.join([message.text, *calls]).strip()}"
