"""What a memory is asked with, and the context that leaves room for it."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from llama_index.core.base.llms.types import ChatMessage

from context_compaction import Budget, CannotCompact, Message, PastContexts, Session, TokenCounter
from llamaindex_compaction.memory.given import given_back
from llamaindex_compaction.post_turn import ends_turn

Edits = Sequence[Mapping[str, Any]] | None
_ENVELOPE = 8
"""Tokens of a message beyond its text."""
_RECALLED = 64
"""So many recalled blocks that were given out are known when they come back."""
_MOST = 0.75
"""Of the limit that the asker's own tokens can take."""


class Asking:
    """The newest user message, as far as it was put here, and the room for what was not put."""

    def __init__(self, budget: Budget, counter: TokenCounter) -> None:
        self._budget = budget
        self.counter = counter
        self._newest = ""
        self._past = PastContexts()
        self._recalled: deque[str] = deque(maxlen=_RECALLED)

    def given_back(self, session: Session, messages: Sequence[Message]) -> list[Message]:
        """A list as it was said: recalled blocks that were given out with one were not, and some was cut."""
        kept = [
            message for message in messages if message.role != "user" or message.text not in self._recalled
        ]
        return self._past.as_said(session, given_back(session, kept))

    def said(self, messages: Sequence[Message]) -> None:
        """These were put."""
        for message in messages:
            if message.role == "user":
                self._newest = message.text
            elif ends_turn([message]):
                self._newest = ""  # answered: what is asked now is another question, be it in the same words
        if not messages:
            self._newest = ""

    def question(self, asked: str | ChatMessage | None) -> str:
        """What is asked, if it was not put."""
        text = asked.content if isinstance(asked, ChatMessage) else asked
        return text if text and text != self._newest else ""

    def overhead(self, asked: str | ChatMessage | None, initial_tokens: int) -> int | None:
        """Tokens to leave free; None if there are none.

        Agents ask with the user message that they have put; chat engines ask before they put it.
        """
        tokens = max(0, initial_tokens)
        if text := self.question(asked):
            tokens += self.counter.text(text) + _ENVELOPE
        return min(tokens, int(self._budget.input_tokens * _MOST)) or None

    def context(
        self, session: Session, asked: str | ChatMessage | None, initial_tokens: int, edits: Edits
    ) -> list[Message]:
        """The session's context, and behind it what of the rest the question asks about.

        A last answer may be shown with head and tail only. Raises `CannotCompact` if no answer is the last.
        """
        overhead = self.overhead(asked, initial_tokens)
        try:
            shown = session.context(overhead, edits)
        except CannotCompact:
            if not ends_turn(session.history()[-1:]):
                raise
            shown = self._past.context(session, overhead, edits)
        question = self.question(asked)
        return self._with(session.recall_for(question) if question else None, shown, overhead)

    async def acontext(
        self, session: Session, asked: str | ChatMessage | None, initial_tokens: int, edits: Edits
    ) -> list[Message]:
        """`context` on the running event loop."""
        overhead = self.overhead(asked, initial_tokens)
        try:
            shown = await session.acontext(overhead, edits)
        except CannotCompact:
            if not ends_turn(session.history()[-1:]):
                raise
            shown = await self._past.acontext(session, overhead, edits)
        question = self.question(asked)
        return self._with(await session.arecall_for(question) if question else None, shown, overhead)

    def _with(self, block: Message | None, shown: list[Message], overhead: int | None) -> list[Message]:
        """With the recalled block, if there is still room for it."""
        if block is None:
            return shown
        tokens = self.counter.messages([*shown, block]) + (overhead or 0)
        if tokens > self._budget.input_tokens:
            return shown
        self._recalled.append(block.text)
        return [*shown, block]
