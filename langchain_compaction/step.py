"""`compact_messages`: a step of a chain that makes messages fit, shaped like ``trim_messages``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast, overload

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import BaseMessage
from langchain_core.runnables import Runnable, RunnableConfig, ensure_config

from context_compaction import Budget, Message, Policy, TokenCounter, acompact, compact, open_archive
from langchain_compaction.counting import CounterLike, counter_of
from langchain_compaction.drafting import drafter_of
from langchain_compaction.messages import read_all, to_langchain
from langchain_compaction.sessions import (
    ArchiveLike,
    Sessions,
    context_management_of,
    session_id_of,
)
from langchain_compaction.turns import aturn_of, turn_of
from langchain_compaction.values import input_messages

Pinned = Callable[[Message], bool] | None
Redactor = Callable[[str], str] | None
Said = LanguageModelInput | Iterable[Any]
"""What chat models take, and whatever can be gone through once."""


@overload
def compact_messages(
    messages: None = None,
    *,
    max_tokens: int,
    token_counter: CounterLike = None,
    include_system: bool = True,
    policy: Policy | None = None,
    drafter: Any = None,
    archive: ArchiveLike | None = None,
    namespace: str = "default",
    observers: Iterable[Any] = (),
    is_pinned: Pinned = None,
    redactor: Redactor = None,
    embedder: Any = None,
) -> Runnable[LanguageModelInput, list[BaseMessage]]: ...


@overload
def compact_messages(
    messages: Said,
    *,
    max_tokens: int,
    token_counter: CounterLike = None,
    include_system: bool = True,
    policy: Policy | None = None,
    drafter: Any = None,
    archive: ArchiveLike | None = None,
    namespace: str = "default",
    observers: Iterable[Any] = (),
    is_pinned: Pinned = None,
    redactor: Redactor = None,
    embedder: Any = None,
) -> list[BaseMessage]: ...


def compact_messages(
    messages: Said | None = None,
    *,
    max_tokens: int,
    token_counter: CounterLike = None,
    include_system: bool = True,
    policy: Policy | None = None,
    drafter: Any = None,
    archive: ArchiveLike | None = None,
    namespace: str = "default",
    observers: Iterable[Any] = (),
    is_pinned: Pinned = None,
    redactor: Redactor = None,
    embedder: Any = None,
) -> list[BaseMessage] | Runnable[LanguageModelInput, list[BaseMessage]]:
    """Make messages fit ``max_tokens``; without messages a step of a chain.

    ``prompt | compact_messages(max_tokens=8000) | model`` stands where ``trim_messages`` stood. Where that
    drops, this compacts: tool output is cleared, old turns are summarised, calls and their results stay
    together, the system prompt and the newest user message always stay. What is not touched is given back
    as the very object it was.

    ``token_counter``: as in ``trim_messages`` (``len`` counts messages); None estimates.
    ``include_system=False`` leaves the system messages at the beginning out of the result. ``drafter``: who
    writes summaries, a LangChain model, say; None selects sentences on the CPU. ``is_pinned``: messages that
    stay word for word. ``redactor``: what every text goes through before a drafter reads it, and every
    summary.

    Without ``archive`` nothing is kept between calls. With it the session that the run's config names
    (``session_id`` or ``thread_id``) follows the list: what left the context stays in the archive, and
    compactions hold from turn to turn; ``observers`` are told of each, and with an ``embedder`` (LangChain
    ``Embeddings``, say) recall weighs meaning too. An archive that you opened is yours to close.
    ``context_management`` in ``configurable`` is honoured either way.

    Raises `InvalidBudget` and `InvalidPolicy`; when run `CannotCompact`, `NotMessages`, `InvalidMessage`, and
    with ``archive`` `MissingSessionId` and `ArchiveError`.
    """
    budget = Budget(context_window=max_tokens, reserve_tokens=0)
    counter = counter_of(token_counter, takes="messages")
    opened = None if archive is None else open_archive(archive)
    step: _Stateless | _Stateful
    if opened is None:
        step = _Stateless(budget, counter, policy, drafter_of(drafter), is_pinned, redactor)
    else:
        step = _Stateful(
            Sessions(
                opened,
                budget,
                namespace=namespace,
                policy=policy,
                drafter=drafter,
                counter=counter,
                observers=observers,
                is_pinned=is_pinned,
                redactor=redactor,
                embedder=embedder,
            )
        )
    runnable = _CompactMessages(step, include_system=include_system)
    if messages is None:
        return runnable
    try:
        return runnable.run(messages, ensure_config())
    finally:
        if opened is not None and opened is not archive:
            opened.close()


class _CompactMessages(Runnable[LanguageModelInput, list[BaseMessage]]):
    """The step as LangChain runs it: traced under its name, with the run's config."""

    name = "compact_messages"

    def __init__(self, step: _Stateless | _Stateful, *, include_system: bool) -> None:
        self._step = step
        self._include_system = include_system

    @property
    def InputType(self) -> Any:  # noqa: N802 - LangChain's name
        return LanguageModelInput

    @property
    def OutputType(self) -> Any:  # noqa: N802 - LangChain's name
        return list[BaseMessage]

    def invoke(
        self,
        input: LanguageModelInput,  # noqa: A002 - LangChain's name
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> list[BaseMessage]:
        return self._call_with_config(_typed(self.run), input, config, **kwargs)

    async def ainvoke(
        self,
        input: LanguageModelInput,  # noqa: A002 - LangChain's name
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> list[BaseMessage]:
        return await self._acall_with_config(_typed(self.arun), input, config, **kwargs)

    def run(self, value: Said, config: RunnableConfig) -> list[BaseMessage]:
        given = _Given(value)
        return self._written(given, self._step.run(self._read(given), config))

    async def arun(self, value: Said, config: RunnableConfig) -> list[BaseMessage]:
        given = _Given(value)
        return self._written(given, await self._step.arun(self._read(given), config))

    def _read(self, given: _Given) -> Sequence[Message]:
        """An archive is told all that was said; without one the head that is not shown costs nothing."""
        whole = self._include_system or isinstance(self._step, _Stateful)
        return given.messages if whole else _without_head(given.messages)

    def _written(self, given: _Given, shown: Sequence[Message]) -> list[BaseMessage]:
        return [given.back(message) for message in (shown if self._include_system else _without_head(shown))]


class _Given:
    """The caller's messages, as they are and as the engine reads them."""

    def __init__(self, value: Said) -> None:
        given = list(cast("Iterable[Any]", value)) if _is_iterator(value) else value
        own = input_messages(given)
        self.messages = read_all(own)
        self._own = {id(message): mine for message, mine in zip(self.messages, own, strict=True)}

    def back(self, message: Message) -> BaseMessage:
        """The caller's own object for a message that was not touched."""
        own = self._own.get(id(message))
        return to_langchain(message) if own is None else own


@dataclass(frozen=True, slots=True)
class _Stateless:
    """The engine's `compact`: nothing is kept."""

    budget: Budget
    counter: TokenCounter
    policy: Policy | None
    drafter: Any
    is_pinned: Pinned
    redactor: Redactor

    def run(self, messages: Sequence[Message], config: RunnableConfig) -> Sequence[Message]:
        return compact(messages, **self._options(config))[0]

    async def arun(self, messages: Sequence[Message], config: RunnableConfig) -> Sequence[Message]:
        return (await acompact(messages, **self._options(config)))[0]

    def _options(self, config: RunnableConfig) -> dict[str, Any]:
        return {
            "budget": self.budget,
            "counter": self.counter,
            "policy": self.policy,
            "context_management": context_management_of(config),
            "drafter": self.drafter,
            "is_pinned": self.is_pinned,
            "redactor": self.redactor,
        }


@dataclass(frozen=True, slots=True)
class _Stateful:
    """The session that the config names follows the list and says what to show of it."""

    sessions: Sessions

    def run(self, messages: Sequence[Message], config: RunnableConfig) -> Sequence[Message]:
        session = self.sessions.get(session_id_of(config))
        with turn_of(session):
            session.sync(messages, deep=True)
            return session.context(context_management=context_management_of(config))

    async def arun(self, messages: Sequence[Message], config: RunnableConfig) -> Sequence[Message]:
        session = await asyncio.to_thread(self.sessions.get, session_id_of(config))
        async with aturn_of(session):
            await session.async_(messages, deep=True)
            return await session.acontext(context_management=context_management_of(config))


def _typed(function: Any) -> Any:
    """LangChain passes a config to what takes one, but its annotation knows that only with callbacks."""
    return function


def _without_head(messages: Sequence[Message]) -> Sequence[Message]:
    first = next((place for place, message in enumerate(messages) if not message.is_system), len(messages))
    return messages[first:]


def _is_iterator(value: object) -> bool:
    return hasattr(value, "__next__")
