"""What a memory is asked with, and the context that leaves room for it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from llama_index.core.base.llms.types import ChatMessage

from context_compaction import Budget, CannotCompact, Message, Session, TokenCounter, past_context
from llamaindex_compaction.memory.turn import ends_turn

Edits = Sequence[Mapping[str, Any]] | None
_ENVELOPE = 8
"""Tokens of a message beyond its text."""
_MOST = 0.75
"""Of the limit that the asker's own tokens can take."""


class Asking:
    """The newest user message, as far as it was put here, and the room for what was not put."""

    def __init__(self, budget: Budget, counter: TokenCounter) -> None:
        self._budget = budget
        self.counter = counter
        self._newest = ""

    def said(self, messages: Sequence[Message]) -> None:
        """These were put."""
        asked = next((message for message in reversed(messages) if message.role == "user"), None)
        if asked is not None:
            self._newest = asked.text
        elif not messages:
            self._newest = ""

    def overhead(self, asked: str | ChatMessage | None, initial_tokens: int) -> int | None:
        """Tokens to leave free; None if there are none.

        Agents ask with the user message that they have put; chat engines ask before they put it.
        """
        text = asked.content if isinstance(asked, ChatMessage) else asked
        tokens = max(0, initial_tokens)
        if text and text != self._newest:
            tokens += self.counter.text(text) + _ENVELOPE
        return min(tokens, int(self._budget.input_tokens * _MOST)) or None

    def context(self, session: Session, overhead: int | None, edits: Edits) -> list[Message]:
        """The session's context. A last answer may be shown with head and tail only."""
        try:
            return session.context(overhead, edits)
        except CannotCompact:
            return _past(session, overhead, edits)

    async def acontext(self, session: Session, overhead: int | None, edits: Edits) -> list[Message]:
        """`context` on the running event loop."""
        try:
            return await session.acontext(overhead, edits)
        except CannotCompact:
            return await asyncio.to_thread(_past, session, overhead, edits)


def _past(session: Session, overhead: int | None, edits: Edits) -> list[Message]:
    """All of it is past if it ends with an answer. Raises `CannotCompact` if not."""
    if ends_turn(session.history()[-1:]):
        return past_context(session, overhead, edits)
    return session.context(overhead, edits)
