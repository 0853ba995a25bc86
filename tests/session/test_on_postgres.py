"""Sessions and faces on a PostgreSQL archive: what they show is, byte for byte, what they show on a file."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from context_compaction import Archive, CannotCompact, Message, Policy, open_archive
from tests.histories import histories
from tests.session.talks import session, turns, wire

PRESETS = ("layered", "masking", "truncating", "extractive", "anchored")


@given(histories(6), st.sampled_from(PRESETS), st.integers(0, 20), st.booleans())
@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_contexts_are_the_same_bytes(
    postgres_schema: str, history: list[list[dict[str, Any]]], preset: str, at: int, edited: bool
):
    """With compactions, a pin, a fork, an edited list, and another process that goes on."""
    name = uuid4().hex
    with open_archive(postgres_schema) as server, open_archive() as file:
        shown = [_shown(archive, name, history, preset, at, edited=edited) for archive in (server, file)]
        assert shown[0] == shown[1]
        assert server.verify(name) == []


def _shown(
    archive: Archive, name: str, history: list[list[dict[str, Any]]], preset: str, at: int, *, edited: bool
) -> list[Any]:
    shown: list[Any] = []
    options: dict[str, Any] = {"session_id": name, "window": 300, "policy": Policy.named(preset)}
    for number, batch in enumerate([*history, *history[:2]]):
        with session(archive, **options) as one:  # opened anew for every turn
            with suppress(CannotCompact):
                one.append(batch)
                shown.append(wire(one.context()))
                one.after_turn()
            if number == len(history) - 1:
                length = len(one.history())
                one.pin(f"m:{length}")
                one.fork(min(at, length))
                if edited:
                    said = [message.to_openai() for message in one.history()]
                    shown.append(one.sync([*said[:-1], {"role": "user", "content": "instead"}]).kind)
            shown.append([(hit.ref, hit.score) for hit in one.recall("word1 word7 a.py error")])
            shown.append([(event.outcome, event.version, event.tokens_after) for event in one.events])
    with session(archive, **options) as one:
        shown.append([wire(one.history(branch=branch.id)) for branch in one.branches()])
    return shown


async def test_async_twins_share_it(postgres_schema: str):
    """Forty appends at a time through a pool of ten connections: each once, in the order of its own task."""
    with open_archive(postgres_schema) as archive:
        sessions = [session(archive, session_id=f"s{number}", window=2000) for number in range(4)]

        async def say(number: int) -> None:
            for turn in range(3):
                await sessions[number % 4].aappend([{"role": "user", "content": f"{number} says {turn}"}])
            await sessions[number % 4].acontext()

        await asyncio.gather(*(say(number) for number in range(40)))
        for number, one in enumerate(sessions):
            texts = [message.text for message in one.history()]
            assert sorted(texts) == sorted(
                f"{n} says {turn}" for n in range(number, 40, 4) for turn in range(3)
            )
            for n in range(number, 40, 4):
                assert [text for text in texts if text.startswith(f"{n} ")] == [
                    f"{n} says {t}" for t in range(3)
                ]
            one.close()
        assert archive.verify() == []


def test_a_langchain_memory_takes_the_address(postgres_schema: str):
    """And another one, of another process as it were, goes on with what it kept."""
    pytest.importorskip("langchain_core")
    from langchain_compaction import CompactionChatMessageHistory

    first = CompactionChatMessageHistory("s1", archive=postgres_schema)
    first.add_user_message("My number is 0451.")
    second = CompactionChatMessageHistory("s1", archive=postgres_schema)
    second.add_ai_message("Noted.")
    assert [message.content for message in second.messages] == ["My number is 0451.", "Noted."]
    assert [message.content for message in first.messages] == ["My number is 0451.", "Noted."]


def test_a_long_talk_goes_on_in_another_backend(postgres_schema: str, tmp_path: Any):
    """Compacted on a file, moved to the server, and back: the context stays the same bytes."""
    path = tmp_path / "moved.jsonl"
    with open_archive(tmp_path / "file.db") as file, open_archive(postgres_schema) as server:
        with session(file, session_id="s") as one:
            one.append(turns(1, 30))
            before = wire(one.context())
            assert one.view.version
        file.export(path)
        server.import_(path)
        with session(server, session_id="s") as one:
            assert wire(one.context()) == before
            one.append(turns(31, 20))
            after = wire(one.context())
        server.export(path)
        with open_archive(tmp_path / "back.db") as back:
            assert back.import_(path) == 1
            with session(back, session_id="s") as one:
                assert wire(one.context()) == after
                assert [type(message) for message in one.expand("m:1")] == [Message]
