"""LangGraph's InMemoryStore and LlamaIndex's Memory with as many messages, as far as they bear them."""

from __future__ import annotations

import asyncio
import random
import warnings
from collections.abc import Callable, Mapping, Sequence
from itertools import cycle, islice
from time import perf_counter
from typing import Any

from benchmarks._conversation import Dict
from benchmarks._stopwatch import Stopwatch
from context_compaction import Message

STORE_AT_MOST, MEMORY_AT_MOST = 100_000, 10_000
"""A store of a million with vectors has no room in 8 GB; of Memory more takes minutes a message."""
SHORT, CHUNK, TRIES = 200, 500, 5
DIMENSION = 64
Measured = Mapping[str, float]


def store(size: int, steps: int, texts: Sequence[Dict], queries: Sequence[str]) -> Measured:
    """A namespace a session, searched by vectors: it has no search by words."""
    name = "InMemoryStore"
    rows = (
        f"{name}, put: messages / s",
        f"{name}, a session of {SHORT}: p50 ms",
        f"{name}, all of it: p50 ms",
    )
    try:
        from langgraph.store.memory import InMemoryStore
    except ImportError:
        return {}
    if size > STORE_AT_MOST:
        return {}
    kept: Any = InMemoryStore(index={"dims": DIMENSION, "embed": _vectors})
    start = perf_counter()
    for number, message in enumerate(islice(cycle(texts), size)):
        place = ("default", f"short {number // SHORT}")
        kept.put(place, str(number), {"role": message["role"], "content": str(message["content"])})
    speed = size / (perf_counter() - start)
    asked, watch = cycle(queries), Stopwatch()
    for _ in range(min(steps, TRIES)):
        for row, place in zip(rows[1:], (("default", "short 1"), ("default",)), strict=True):
            watch.start()
            kept.search(place, query=next(asked), limit=8)
            watch.lap(row)
    return {rows[0]: speed} | {row: watch[row] for row in rows[1:]}


def _vectors(texts: Sequence[str]) -> list[list[float]]:
    """As quick as can be: they mean nothing."""
    made = (random.Random(text) for text in texts)
    return [[chance.random() - 0.5 for _ in range(DIMENSION)] for chance in made]


def memory(size: int, steps: int, texts: Sequence[Dict], queries: Sequence[str]) -> Measured:  # noqa: ARG001 - no search
    """One conversation, all of it active: what was archived by it can only be had from its blocks."""
    name = "LlamaIndex Memory, one session"
    try:
        from llama_index.core.memory import Memory

        from llamaindex_compaction import to_llamaindex
    except ImportError:
        return {}
    if size > MEMORY_AT_MOST:
        return {}
    stream = (to_llamaindex(Message.from_openai(text)) for text in cycle(texts))

    async def measured() -> Measured:
        kept: Any = Memory.from_defaults(session_id="s", token_limit=10**9)
        start = perf_counter()
        for _ in range(0, size, CHUNK):
            await kept.sql_store.add_messages("s", list(islice(stream, CHUNK)))
        speed, watch = size / (perf_counter() - start), Stopwatch()
        for _ in range(min(steps, TRIES)):
            said = next(stream)
            watch.start()
            await kept.aput(said)
            watch.lap("put")
            await kept.aget()
            watch.lap("get")
        await kept.sql_store._async_engine.dispose()  # noqa: SLF001 - it has no close
        return {
            f"{name}, bulk: messages / s": speed,
            f"{name}, put: p50 ms": watch["put"],
            f"{name}, get: p50 ms": watch["get"],
        }

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return asyncio.run(measured())


PEERS: tuple[Callable[[int, int, Sequence[Dict], Sequence[str]], Measured], ...] = (store, memory)
