"""Chains of every shape in upstream's wrapper, run in every way, on a history of ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder
from langchain_core.runnables import RunnableLambda

from context_compaction import Archive
from langchain_compaction import CompactionChatMessageHistory
from tests.langchain.chatting import S1, model, said, to_messages, upstream

TOKENS = 600
SHAPES = ["list", "input key", "history key", "chat model"]
WAYS = ["invoke", "ainvoke", "stream", "astream"]


class Chat:
    """A chain of some shape, run in some way; ``then(n)`` happens while the n-th answer is written."""

    def __init__(self, shape: str, way: str, get_history: Any, then: Callable[[int], Any] | None = None):
        self.shape, self.way, self.then = shape, way, then
        self.seen: list[Any] = []
        inner, keys = self._inner()
        self.chain = upstream(inner, get_history, **keys)

    def _answer(self, given: Any) -> AIMessage:
        self.seen.append(given)
        number = len(self.seen)
        if self.then is not None:
            self.then(number)
        return AIMessage(f"a{number}")

    def _inner(self) -> tuple[Any, dict[str, str]]:
        answer = RunnableLambda(self._answer)
        if self.shape == "list":
            return answer, {}
        if self.shape == "chat model":
            return model(*(f"a{number}" for number in range(1, 9))), {}
        if self.shape == "input key":
            return answer, {"input_messages_key": "question"}
        prompt = ChatPromptTemplate([MessagesPlaceholder("history"), ("human", "{question}")])
        keys = {"input_messages_key": "question", "history_messages_key": "history"}
        return prompt | RunnableLambda(to_messages) | answer, keys

    async def ask(self, question: Any, config: Any = S1) -> None:
        listed = [question if isinstance(question, HumanMessage) else HumanMessage(question)]
        keyed = {"question": question if isinstance(question, str) else listed}
        value = keyed if "key" in self.shape else listed
        match self.way:
            case "invoke":
                self.chain.invoke(value, config)
            case "ainvoke":
                await self.chain.ainvoke(value, config)
            case "stream":
                list(self.chain.stream(value, config))
            case _:
                async for _ in self.chain.astream(value, config):
                    pass


def store(archive: Archive, *, shared: bool) -> Callable[[str], CompactionChatMessageHistory]:
    kept: dict[str, CompactionChatMessageHistory] = {}

    def get(session_id: str) -> CompactionChatMessageHistory:
        if shared and session_id in kept:
            return kept[session_id]
        history = CompactionChatMessageHistory(session_id, archive, max_tokens=TOKENS)
        return kept.setdefault(session_id, history) if shared else history

    return get


def archived(get: Any) -> list[tuple[str, str]]:
    return said(get("s1").archived_messages)


every = pytest.mark.parametrize(
    ("shape", "way", "shared"), [(s, w, b) for s in SHAPES for w in WAYS for b in (True, False)]
)
by_ids = pytest.mark.parametrize(
    ("shape", "way", "shared"), [(s, w, b) for s in SHAPES[:3] for w in WAYS for b in (True, False)]
)
