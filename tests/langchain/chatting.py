"""Chains, models and upstream's wrapper for the tests of history and wrapper. Nothing here warns."""

from __future__ import annotations

import warnings
from collections.abc import AsyncIterator, Iterator
from typing import Any

from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.runnables import RunnableConfig, RunnableGenerator, RunnableLambda

from context_compaction import Archive, Budget, Session, open_archive

S1: RunnableConfig = {"configurable": {"session_id": "s1"}}


def config(session_id: str) -> RunnableConfig:
    return {"configurable": {"session_id": session_id}}


def upstream(runnable: Any, get_history: Any, **keys: Any) -> Any:
    """`RunnableWithMessageHistory`, without the warning that it is deprecated."""
    from langchain_core.runnables.history import RunnableWithMessageHistory

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return RunnableWithMessageHistory(runnable, get_history, **keys)


def session(archive: Archive | str = ":memory:", session_id: str = "s1", tokens: int = 2000) -> Session:
    return Session(archive, session_id, budget=Budget(tokens, reserve_tokens=0))


def memory() -> Archive:
    return open_archive(":memory:")


def model(*answers: str) -> GenericFakeChatModel:
    """Answers in order; streams word by word."""
    return GenericFakeChatModel(messages=iter(AIMessage(answer) for answer in answers))


def said(messages: Any) -> list[tuple[str, str]]:
    """Type and text of each."""
    return [(message.type, str(message.text)) for message in messages]


def originals(of: Session) -> list[tuple[str, str]]:
    return [(message.role, message.text) for message in of.history()]


def to_messages(value: Any) -> list[BaseMessage]:
    return value.to_messages()


class Seeing:
    """A model that notes what it was given, and answers ``a1``, ``a2``, ...; ``then`` is called first."""

    def __init__(self, then: Any = None) -> None:
        self.seen: list[Any] = []
        self.then = then

    def __call__(self, given: Any) -> AIMessage:
        self.seen.append(given)
        number = len(self.seen)
        if self.then is not None:
            self.then(number)
        return AIMessage(f"a{number}")

    @property
    def runnable(self) -> RunnableLambda[Any, Any]:
        return RunnableLambda(self)


class Streaming:
    """Gives chunks one by one; what is an exception is raised."""

    def __init__(self, *chunks: Any) -> None:
        self.chunks = chunks
        self.closed = False

    def _give(self) -> Iterator[Any]:
        for chunk in self.chunks:
            if isinstance(chunk, BaseException):
                raise chunk
            yield chunk

    def sync(self, given: Iterator[Any]) -> Iterator[Any]:
        list(given)
        try:
            yield from self._give()
        finally:
            self.closed = True

    async def asynchronous(self, given: AsyncIterator[Any]) -> AsyncIterator[Any]:
        async for _ in given:
            pass
        try:
            for chunk in self._give():
                yield chunk
        finally:
            self.closed = True

    @property
    def runnable(self) -> Any:
        return RunnableGenerator(self.sync, self.asynchronous)


def talk(history: Any, turns: int, words: int = 40) -> None:
    """Long turns, so that a small budget has to be compacted."""
    for turn in range(turns):
        history.add_messages(
            [
                HumanMessage(f"old question {turn} " + "lorem ipsum " * words),
                AIMessage(f"old answer {turn} " + "dolor sit " * words),
            ]
        )
