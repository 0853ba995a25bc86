"""`get` and `put` of a memory beside LlamaIndex's Memory, ChatMemoryBuffer and ChatSummaryMemoryBuffer."""

from __future__ import annotations

import asyncio
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, closing
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks import Contest, Skipped, Table
from benchmarks._conversation import messages
from benchmarks._stopwatch import Step, Stopwatch, milliseconds, race, times
from context_compaction import Message

SIZES, REPETITIONS = (100, 1000, 10_000), 10
LIMIT = 3000
"""Tokens that the memories show, where they are to cut; ChatMemoryBuffer's default."""
WIDE = 10**9
"""A limit that is never reached."""
SLOWEST = 1000
"""Messages above which ChatMemoryBuffer's cutting is not waited for: its time grows with the square."""
OURS, FILE = "ours", "ours, on a file"
MEMORY, DEFAULT = "Memory, nothing left yet", "Memory, its default limit, the rest archived"
BUFFER, CUTTING = "ChatMemoryBuffer, all fits", f"ChatMemoryBuffer, over {LIMIT:,} tokens"
SUMMARY, FIRST = f"ChatSummaryMemoryBuffer, {LIMIT:,} tokens", "ChatSummaryMemoryBuffer, first"
GOT = (OURS, FILE, MEMORY, DEFAULT, BUFFER, CUTTING, FIRST, SUMMARY)
PUT = (OURS, FILE, MEMORY, DEFAULT, BUFFER, SUMMARY)
TARGET = 100
"""So many times faster than Memory and ChatMemoryBuffer at the largest size."""


def run(data: Path | None, *, quick: bool = False) -> Table:  # noqa: ARG001 - the conversation is made here
    """Medians in milliseconds, by the length of the conversation so far."""
    sizes, repetitions = ((8, 16), 2) if quick else (SIZES, REPETITIONS)
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder, ExitStack() as opened:
        warnings.simplefilter("ignore")
        runner = opened.enter_context(asyncio.Runner())
        once = Stopwatch()
        steps = [step for size in sizes for step in _contenders(size, Path(folder), once, opened, runner)]
        watch = race(steps, repetitions, warm_up=1)
    watch.times.update(once.times)
    rows: list[list[object]] = []
    for what, names in (("get", GOT), ("put", PUT)):
        rows += [[f"{what}: {name}", *(_cell(watch, what, name, size) for size in sizes)] for name in names]
    rows.append(["put an answer: ours", *(_cell(watch, "answer", OURS, size) for size in sizes)])
    for what, name in (("get", MEMORY), ("put", MEMORY), ("get", BUFFER)):
        ratios = [watch[what, name, size] / watch[what, OURS, size] for size in sizes]
        rows.append([f"{what}: {name} / ours", *map(times, ratios)])
    notes = [
        f"target: {TARGET}x for get at {sizes[-1]:,} messages; ours flat",
        f"ours shows {LIMIT:,} tokens, and compacts in some of these turns: mostly when an answer is put",
        "a put of ours is on disk or in SQLite's memory when it returns; the buffers' is a list's append",
        f"once: the summary buffer's first get, ChatMemoryBuffer over its limit (up to {SLOWEST:,} messages)",
    ]
    title = f"LlamaIndex memories: ms, medians of {repetitions}"
    columns = [f"{size:,} messages" for size in sizes]
    contests = [
        Contest(f"{what}: {OURS}", [f"{what}: {name}" for name in names[2:]], less=columns)
        for what, names in (("get", GOT), ("put", PUT))
    ]
    return Table(title, ["what", *columns], rows, notes, contests)


def _cell(watch: Stopwatch, what: str, name: str, size: int) -> str:
    return milliseconds(watch[what, name, size]) if (what, name, size) in watch.times else "-"


def _contenders(
    size: int, folder: Path, once: Stopwatch, opened: ExitStack, runner: asyncio.Runner
) -> Iterator[Step]:
    """Each with a conversation of its own, all the same, and with what happens only once behind it."""
    try:
        from llama_index.core.llms import MockLLM
        from llama_index.core.memory import ChatMemoryBuffer, ChatSummaryMemoryBuffer

        from llamaindex_compaction import CompactionMemory
    except ImportError:
        raise Skipped("llama-index-core is not installed, so there is nothing to compare with") from None
    for name, place in ((OURS, ":memory:"), (FILE, folder / f"{size}.db")):
        talk = _Talk(size)
        memory: Any = CompactionMemory.from_defaults(token_limit=LIMIT, archive=place)
        opened.enter_context(closing(memory))
        memory.put_messages(talk.said)
        yield talk.step(name, memory)
    for name, active, limit in ((MEMORY, size, WIDE), (DEFAULT, 85, 30_000)):
        talk = _Talk(size)
        yield talk.step(name, _Running(runner, _stock(talk, active, limit, opened, runner)))
    talk = _Talk(size)
    yield talk.step(BUFFER, ChatMemoryBuffer.from_defaults(chat_history=talk.said, token_limit=WIDE))
    talk = _Talk(size)
    if size <= SLOWEST:
        cutting = ChatMemoryBuffer.from_defaults(chat_history=talk.said, token_limit=LIMIT)
        once.start()
        cutting.get()
        once.lap(("get", CUTTING, size))
    talk = _Talk(size)
    summing = ChatSummaryMemoryBuffer.from_defaults(
        chat_history=list(talk.said), llm=MockLLM(max_tokens=50), token_limit=LIMIT
    )
    once.start()
    summing.get()
    once.lap(("get", FIRST, size))
    yield talk.step(SUMMARY, summing)


def _stock(talk: _Talk, active: int, limit: int, opened: ExitStack, runner: asyncio.Runner) -> Any:
    """A `Memory` that holds the conversation, all but the newest archived."""
    from llama_index.core.memory import Memory
    from llama_index.core.storage.chat_store.base_db import MessageStatus

    memory = Memory.from_defaults(session_id="s", token_limit=limit)

    async def fill() -> None:
        archived, kept = talk.said[:-active], talk.said[-active:]
        for status, part in ((MessageStatus.ARCHIVED, archived), (MessageStatus.ACTIVE, kept)):
            for start in range(0, len(part), 500):
                await memory.sql_store.add_messages("s", part[start : start + 500], status=status)

    runner.run(fill())
    opened.callback(lambda: runner.run(memory.sql_store._async_engine.dispose()))  # noqa: SLF001 - no close
    return memory


class _Running:
    """An asynchronous memory on one event loop: its synchronous methods make one for each call."""

    def __init__(self, runner: asyncio.Runner, memory: Any) -> None:
        self._runner = runner
        self._memory = memory

    def put(self, message: Any) -> None:
        self._runner.run(self._memory.aput(message))

    def get(self) -> Any:
        return self._runner.run(self._memory.aget())


class _Talk:
    """What was said so far, in LlamaIndex's messages, and what will be."""

    def __init__(self, size: int) -> None:
        from llama_index.core.llms import ChatMessage

        from llamaindex_compaction import to_llamaindex

        self._more = ("more of it " * 40, "so it is " * 80)
        self.said = [to_llamaindex(Message.from_openai(data)) for data in islice(messages(), size)]
        self._new = lambda role, text: ChatMessage(role=role, content=text)

    def step(self, name: str, memory: Any) -> Step:
        size = len(self.said)
        asked, told = self._more

        def step(watch: Stopwatch) -> None:
            question, answer = self._new("user", asked), self._new("assistant", told)
            watch.start()
            memory.put(question)
            watch.lap(("put", name, size))
            memory.get()
            watch.lap(("get", name, size))
            memory.put(answer)
            watch.lap(("answer", name, size))

        return step
