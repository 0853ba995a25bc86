"""Threads, tasks and event loops at once on a memory: every message is there, once, and in order."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from context_compaction import open_archive
from llamaindex_compaction import CompactionMemory
from tests.llamaindex.chatting import answer, texts, user

SAID = "And so it goes on. " * 6


def in_threads(count: int, run: Callable[[int], Any]) -> None:
    """All at once; the first error is raised."""
    errors: list[BaseException] = []
    start = threading.Barrier(count)

    def go(number: int) -> None:
        try:
            start.wait()
            run(number)
        except BaseException as error:  # noqa: BLE001 - handed to the test
            errors.append(error)

    threads = [threading.Thread(target=go, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


@pytest.mark.parametrize("archive", [":memory:", "file"])
async def test_forty_puts_at_once_are_there_once_and_in_order(archive: str, tmp_path: Path) -> None:
    """Of 40 in Memory's default store, SQLAlchemy 2.1 keeps two or three."""
    path = tmp_path / "chat.db" if archive == "file" else archive
    memory = CompactionMemory.from_defaults(token_limit=600, archive=path)
    await asyncio.gather(*(memory.aput(user(f"{number} {SAID}")) for number in range(40)))
    assert texts(memory.get_all()) == [f"{number} {SAID}" for number in range(40)]
    memory.close()


async def test_puts_and_gets_at_once(tmp_path: Path) -> None:
    """What is got between compactions of others is always a whole view."""
    memory = CompactionMemory.from_defaults(token_limit=600, archive=tmp_path / "chat.db")

    async def turn(number: int) -> None:
        await memory.aput(user(f"asked {number} {SAID}"))
        got = await memory.aget()
        assert got[0].role == "user"
        await memory.aput(answer(f"answered {number} {SAID}"))

    await asyncio.gather(*map(turn, range(20)))
    put = texts(memory.get_all())
    assert len(put) == len(set(put)) == 40
    for number in range(20):
        assert put.index(f"asked {number} {SAID}") < put.index(f"answered {number} {SAID}")
    memory.close()


def test_threads_that_put() -> None:
    memory = CompactionMemory.from_defaults(token_limit=600)

    def run(thread: int) -> None:
        for number in range(10):
            memory.put(user(f"{thread}/{number} {SAID}"))
            memory.get()

    in_threads(4, run)
    put = [str(text).split()[0] for text in texts(memory.get_all())]
    assert len(put) == 40
    for thread in range(4):
        assert [each for each in put if each.startswith(f"{thread}/")] == [f"{thread}/{n}" for n in range(10)]


def test_event_loops_of_several_threads() -> None:
    """Locks of asyncio belong to one loop; here there are four."""
    memory = CompactionMemory.from_defaults(token_limit=600)

    async def puts(thread: int) -> None:
        await asyncio.gather(*(memory.aput(user(f"{thread}/{number} {SAID}")) for number in range(10)))

    in_threads(4, lambda thread: asyncio.run(puts(thread)))
    assert len(set(texts(memory.get_all()))) == 40


async def test_ten_sessions_on_one_archive_see_nothing_of_each_other(tmp_path: Path) -> None:
    archive = open_archive(tmp_path / "chat.db")
    memories = [
        CompactionMemory.from_defaults(session_id=f"s{number}", token_limit=600, archive=archive)
        for number in range(10)
    ]

    async def talk(memory: CompactionMemory) -> None:
        for number in range(10):
            await memory.aput(user(f"{memory.session_id} asks {number} {SAID}"))
            await memory.aput(answer(f"{memory.session_id} hears {number} {SAID}"))
            for message in await memory.aget():
                others = [other.session_id for other in memories if other is not memory]
                assert not any(f"{other} " in str(message.content) for other in others)

    await asyncio.gather(*map(talk, memories))
    for memory in memories:
        said = [f"{memory.session_id} {verb} {n} {SAID}" for n in range(10) for verb in ("asks", "hears")]
        assert texts(memory.get_all()) == said
        assert all(memory.session_id in str(hit) for hit in memory.recall("asks"))
    archive.close()


def test_two_memories_of_one_session_go_on_from_each_other(tmp_path: Path) -> None:
    archive = open_archive(tmp_path / "chat.db")
    one, two = (
        CompactionMemory.from_defaults(session_id="s", token_limit=600, archive=archive) for _ in range(2)
    )
    for number in range(10):
        (one if number % 2 else two).put_messages([user(f"asks {number} {SAID}"), answer(f"told {SAID}")])
        assert one.get() == two.get()
    assert len(one.get_all()) == 20
    archive.close()
