"""`RunnableWithCompaction`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from typing import Any, cast

from langchain_core.messages import BaseMessage
from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.runnables.base import coerce_to_runnable

from context_compaction import Session
from langchain_compaction.messages import read_all
from langchain_compaction.post_turn import aafter_turn, after_turn, usage_of
from langchain_compaction.sessions import Sessions, context_management_of, session_id_of
from langchain_compaction.wrapper.keys import Keys
from langchain_compaction.wrapper.received import Received, telling, why
from langchain_compaction.wrapper.turn import Turn


class RunnableWithCompaction(Runnable[Any, Any]):
    """A session around any chain, model or agent: each run is a turn of the session that its config names.

        chat = RunnableWithCompaction(prompt | model, sessions, input_messages_key="question",
                                      history_messages_key="history")
        chat.invoke({"question": "hello"}, {"configurable": {"session_id": "s1"}})

    What is asked is stored before the runnable is run, and stays if that fails. What is answered is stored
    whole, once, and before it is returned; a stream that was abandoned or failed, as what was received, with
    ``additional_kwargs["incomplete"]`` saying which. Then the session compacts ahead of the next turn.

    Retry inside of it, or give what is asked an id: the same message without one is another message.
    """

    def __init__(
        self,
        runnable: Runnable[Any, Any] | Callable[..., Any],
        get_session: Callable[[str], Session] | Sessions,
        *,
        input_messages_key: str | None = None,
        output_messages_key: str | None = None,
        history_messages_key: str | None = None,
    ) -> None:
        """``get_session``: the session of an id; it stays open, and is yours to close.

        ``input_messages_key``, ``output_messages_key``: which of several keys holds what is asked and
        answered. ``history_messages_key``: the key for the context before what is asked, which the runnable
        then gets as it was passed; without it, it gets all as one list in the place of what is asked.
        """
        self.runnable: Runnable[Any, Any] = coerce_to_runnable(runnable)
        self._get = get_session.get if isinstance(get_session, Sessions) else get_session
        self._keys = Keys(input_messages_key, output_messages_key, history_messages_key)

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:  # noqa: A002 - upstream's name
        """One turn.

        Raises `MissingSessionId`, `AmbiguousKeys` and `NotMessages` with nothing stored; `CannotCompact`,
        what the runnable raises, and `NotMessages` for its output, with what was asked stored;
        `ArchiveError` when something could not be stored.
        """
        return self._call_with_config(cast("Any", self._invoke), input, config, **kwargs)

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:  # noqa: A002 - upstream's name
        """`invoke` on the running event loop."""
        return await self._acall_with_config(cast("Any", self._ainvoke), input, config, **kwargs)

    def stream(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Iterator[Any]:  # noqa: A002 - upstream's name
        """One turn, its answer passed on as it comes. Raises what `invoke` does."""
        begun: list[Generator[Any]] = []

        def turn(values: Iterator[Any], config: RunnableConfig, **options: Any) -> Iterator[Any]:
            begun.append(self._stream(values, config, **options))
            return begun[0]

        try:
            yield from self._transform_stream_with_config(iter([input]), cast("Any", turn), config, **kwargs)
        finally:
            for chunks in begun:  # upstream leaves it to the garbage collector, which swallows errors
                chunks.close()

    async def astream(
        self,
        input: Any,  # noqa: A002 - upstream's name
        config: RunnableConfig | None = None,
        **kwargs: Any | None,
    ) -> AsyncIterator[Any]:
        """`stream` on the running event loop."""
        chunks = self._atransform_stream_with_config(
            _one(input), cast("Any", self._astream), config, **kwargs
        )
        try:
            async for chunk in chunks:
                yield chunk
        finally:
            await _aclose(chunks)

    # -- a turn: upstream calls these by the names of their parameters, with the config of a child run -----

    def _invoke(self, value: Any, config: RunnableConfig, **kwargs: Any) -> Any:
        session, turn, handed = self._begin(value, config)
        output = self.runnable.invoke(handed, config, **kwargs)
        _end(session, turn.answered(output))
        return output

    async def _ainvoke(self, value: Any, config: RunnableConfig, **kwargs: Any) -> Any:
        session, turn, handed = await self._abegin(value, config)
        output = await self.runnable.ainvoke(handed, config, **kwargs)
        await _aend(session, turn.answered(output))
        return output

    def _stream(self, values: Iterator[Any], config: RunnableConfig, **kwargs: Any) -> Generator[Any]:
        session, turn, handed = self._begin(next(values), config)
        received = Received(self._keys)
        chunks = self.runnable.stream(handed, config, **kwargs)
        try:
            for chunk in chunks:
                received.add(chunk)
                yield chunk
        except GeneratorExit:
            session.append(read_all(turn.new_of(received.incomplete("abandoned"))))
            raise
        except BaseException as error:
            with telling(error):
                session.append(read_all(turn.new_of(received.incomplete(why(error)))))
            raise
        _end(session, turn.new_of(received.messages()))

    async def _astream(
        self, values: AsyncIterator[Any], config: RunnableConfig, **kwargs: Any
    ) -> AsyncIterator[Any]:
        session, turn, handed = await self._abegin(await anext(values), config)
        received = Received(self._keys)
        chunks = self.runnable.astream(handed, config, **kwargs)
        try:
            async for chunk in chunks:
                received.add(chunk)
                yield chunk
        except GeneratorExit:
            await _aclose(chunks)
            await session.aappend(read_all(turn.new_of(received.incomplete("abandoned"))))
            raise
        except BaseException as error:
            with telling(error):
                await session.aappend(read_all(turn.new_of(received.incomplete(why(error)))))
            raise
        await _aend(session, turn.new_of(received.messages()))

    def _begin(self, value: Any, config: RunnableConfig) -> tuple[Session, Turn, Any]:
        name, turn = session_id_of(config), Turn(self._keys, value)
        session = self._get(name)
        session.append(read_all(turn.asked))
        context = session.context(context_management=context_management_of(config))
        return session, turn, turn.handed(context)

    async def _abegin(self, value: Any, config: RunnableConfig) -> tuple[Session, Turn, Any]:
        name, turn = session_id_of(config), Turn(self._keys, value)
        session = await asyncio.to_thread(self._get, name)
        await session.aappend(read_all(turn.asked))
        context = await session.acontext(context_management=context_management_of(config))
        return session, turn, turn.handed(context)


def _end(session: Session, new: list[BaseMessage]) -> None:
    session.append(read_all(new))
    after_turn(session, usage_of(new))


async def _aend(session: Session, new: list[BaseMessage]) -> None:
    await session.aappend(read_all(new))
    await aafter_turn(session, usage_of(new))


async def _one(value: Any) -> AsyncIterator[Any]:
    yield value


async def _aclose(chunks: AsyncIterator[Any]) -> None:
    close = getattr(chunks, "aclose", None)
    if close is not None:
        await close()
