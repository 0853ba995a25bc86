"""A stream is passed on as it comes, and stored as one whole message; what was broken off, marked."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from typing import Any

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage
from langchain_core.runnables import RunnableGenerator

from context_compaction import ArchiveError
from langchain_compaction import AmbiguousKeys, NotMessages, RunnableWithCompaction
from langchain_compaction.messages import write_all
from tests.langchain.chatting import S1, Streaming, memory, model, originals, said, session


def piece(text: str, message_id: str | None = None) -> AIMessageChunk:
    return AIMessageChunk(content=text, id=message_id)


CHUNKS: dict[str, list[Any]] = {
    "messages": [piece("Hel", "r1"), piece("lo ", "r1"), piece("you", "r1")],
    "texts": ["Hel", "lo ", "you"],
    "dicts of messages": [{"output": piece(text)} for text in ("Hel", "lo ", "you")],
    "dicts of texts": [{"output": text} for text in ("Hel", "lo ", "you")],
    "dicts with more": [
        {"context": [1]},
        {"answer": "Hel"},
        {"answer": "lo "},
        {"answer": "you", "context": [2]},
    ],
    "updates of a graph": [
        {"model": {"messages": [AIMessage("Hello you", id="m1")]}},
        {"after": {"x": 1}},
        {"end": None},
    ],
    "tokens of a graph": [
        (piece("Hello ", "r1"), {"node": "model"}),
        (piece("you", "r1"), {}),
        (piece("", "r1"), {}),
    ],
    "several modes of a graph": [
        ((), "custom", "thinking"),
        ((), "messages", (piece("Hel", "r1"), {})),
        ((), "messages", (piece("lo you", "r1"), {})),
        ((), "updates", {"model": {"messages": [AIMessage("Hello you", id="r1")]}}),
        ((), "custom", {"at": 3}),
    ],
    "whole states": [
        {"messages": [AIMessage(text, id="m1")] if text else []} for text in ("", "Hello", "Hello you")
    ],
}
AFTER_TWO = {
    "dicts with more": "Hel",
    "updates of a graph": "Hello you",
    "tokens of a graph": "Hello you",
    "several modes of a graph": "Hel",
    "whole states": "Hello",
}
KEYS = {
    "dicts with more": "answer",
    "updates of a graph": "messages",
    "several modes of a graph": "messages",
    "whole states": "messages",
}
kinds = pytest.mark.parametrize("kind", CHUNKS)
ways = pytest.mark.parametrize("way", ["stream", "astream"])


def chat(kind: str, *more: Any) -> tuple[Any, Any, Streaming]:
    of, streaming = session(), Streaming(*CHUNKS[kind], *more)
    chain = RunnableWithCompaction(streaming.runnable, lambda _: of, output_messages_key=KEYS.get(kind))
    return of, chain, streaming


async def take(chain: Any, way: str, number: int | None = None, at: Any = S1) -> list[Any]:
    """So many chunks of it, then it is closed; all without a number."""
    chunks: list[Any] = []
    if way == "stream":
        stream = chain.stream("hello", at)
        for chunk in stream:
            chunks.append(chunk)
            if len(chunks) == number:
                break
        stream.close()
        return chunks
    astream = chain.astream("hello", at)
    async for chunk in astream:
        chunks.append(chunk)
        if len(chunks) == number:
            break
    await astream.aclose()
    return chunks


def answer(of: Any) -> Any:
    question, stored = write_all(of.history())
    assert question.text == "hello"
    assert type(stored) is AIMessage
    return stored


@kinds
@ways
async def test_chunks_come_through_and_one_whole_message_is_stored(kind, way):
    of, chain, streaming = chat(kind)
    assert await take(chain, way) == CHUNKS[kind]
    assert answer(of).text == "Hello you"
    assert "incomplete" not in answer(of).additional_kwargs
    assert streaming.closed


@kinds
@ways
async def test_an_abandoned_stream_is_stored_as_what_was_received(kind, way):
    of, chain, streaming = chat(kind)
    assert await take(chain, way, 2) == CHUNKS[kind][:2]
    assert streaming.closed
    stored = answer(of)
    assert stored.additional_kwargs["incomplete"] == "abandoned"
    assert stored.text == AFTER_TWO.get(kind, "Hello ")


@kinds
@ways
async def test_a_stream_that_fails_is_stored_as_what_was_received_and_raises(kind, way):
    of, chain, _ = chat(kind, RuntimeError("line went dead"))
    with pytest.raises(RuntimeError, match="line went dead"):
        await take(chain, way)
    assert answer(of).text == "Hello you"
    assert answer(of).additional_kwargs["incomplete"] == "failed"


@ways
async def test_one_that_gave_nothing_stores_nothing_but_the_question(way):
    of = session()
    chain = RunnableWithCompaction(Streaming(RuntimeError("dead")).runnable, lambda _: of)
    with pytest.raises(RuntimeError, match="dead"):
        await take(chain, way)
    assert originals(of) == [("user", "hello")]


def test_a_stream_that_is_dropped_is_stored_too():
    of, chain, streaming = chat("texts")
    stream = chain.stream("hello", S1)
    next(stream)
    del stream
    gc.collect()
    assert streaming.closed
    assert answer(of).additional_kwargs["incomplete"] == "abandoned"


async def test_a_cancelled_task_stores_what_was_received():
    of, reached = session(), asyncio.Event()

    async def slow(_given: Any) -> AsyncIterator[str]:
        yield "Hel"
        yield "lo"
        reached.set()
        await asyncio.Event().wait()

    chain = RunnableWithCompaction(RunnableGenerator(slow), lambda _: of)
    task = asyncio.create_task(take(chain, "astream"))
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert answer(of).text == "Hello"
    assert answer(of).additional_kwargs["incomplete"] == "abandoned"


@ways
async def test_the_next_turn_sees_what_was_broken_off(way):
    of, chain, _ = chat("texts")
    await take(chain, way, 2)
    seen: list[Any] = []
    await RunnableWithCompaction(lambda given: seen.append(given) or "fine", lambda _: of).ainvoke(
        "go on", S1
    )
    assert said(seen[0]) == [("human", "hello"), ("ai", "Hello "), ("human", "go on")]


@ways
async def test_a_call_that_was_broken_off_leaves_a_request_that_can_be_sent(way):
    """Half of a call's arguments is no call, and a whole one without a result gets one from the engine."""
    part: Any = {"name": "look", "args": '{"x": ', "id": "c1", "index": 0}
    rest: Any = {"name": None, "args": "1}", "id": None, "index": 0}
    for chunks in ([part], [part, rest]):
        of = session()
        pieces = [AIMessageChunk(content="", id="r1", tool_call_chunks=[chunk]) for chunk in chunks]
        chain = RunnableWithCompaction(Streaming(*pieces, "x").runnable, {"s1": of}.__getitem__)
        await take(chain, way, len(pieces))
        of.append({"role": "user", "content": "go on"})
        calls = [call.id for message in of.context() for call in message.tool_calls]
        results = [message.tool_result.call_id for message in of.context() if message.tool_result]
        assert calls == results


@ways
async def test_a_stream_of_something_else_is_told_at_its_end(way):
    of = session()
    chain = RunnableWithCompaction(Streaming(3, 4).runnable, lambda _: of)
    with pytest.raises(NotMessages, match="a chunk of the stream is int"):
        await take(chain, way)
    assert originals(of) == [("user", "hello")]
    chain = RunnableWithCompaction(Streaming({"a": "x"}, {"b": "y"}).runnable, lambda _: of)
    with pytest.raises(AmbiguousKeys, match="output_messages_key"):
        await take(chain, way)


@ways
async def test_the_archive_that_goes_away_is_told_and_the_models_own_error_comes_first(way):
    archive = memory()
    of = session(archive)

    class Closing(Streaming):
        def _give(self):
            yield "Hel"
            archive.close()
            yield from super()._give()

    chain = RunnableWithCompaction(Closing("lo").runnable, lambda _: of)
    with pytest.raises(ArchiveError):
        await take(chain, way)
    archive = memory()
    of = session(archive)
    chain = RunnableWithCompaction(Closing(RuntimeError("dead")).runnable, lambda _: of)
    with pytest.raises(RuntimeError, match="dead") as raised:
        await take(chain, way)
    assert "could not be stored" in raised.value.__notes__[0]


@ways
async def test_one_who_abandons_a_stream_is_told_that_it_could_not_be_stored(way):
    archive = memory()
    of = session(archive)
    chain = RunnableWithCompaction(Streaming("Hel", "lo").runnable, lambda _: of)
    if way == "stream":
        stream: Any = chain.stream("hello", S1)
        next(stream)
        archive.close()
        with pytest.raises(ArchiveError):
            stream.close()
    else:
        astream: Any = chain.astream("hello", S1)
        await anext(astream)
        archive.close()
        with pytest.raises(ArchiveError):
            await astream.aclose()


@ways
async def test_a_models_stream_gives_its_words(way):
    of = session()
    chain = RunnableWithCompaction(model("one two"), lambda _: of)
    assert [chunk.text for chunk in await take(chain, way)][:3] == ["one", " ", "two"]
    assert [type(message) for message in write_all(of.history())] == [HumanMessage, AIMessage]
