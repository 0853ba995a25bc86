"""What a session can be told, each of LlamaIndex's memories passes on; no failure after a turn fails one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from context_compaction import (
    ArchiveUnavailable,
    CompactionEvent,
    CompactionObserver,
    Message,
    Policy,
    Session,
)
from context_compaction.testing.drafters import RaisingDrafter, ScriptedDrafter
from context_compaction.testing.embedders import HashedEmbedder
from llamaindex_compaction import CompactionChatStore, CompactionMemory, CompactionMemoryBlock
from tests.display.pages import read
from tests.llamaindex.chatting import answer, turns, user

FACT = "my bicycle is called Pegasus and stands in Lisbon"
QUESTION = "bicyclist pegasuslike lisbonner"
"""Holds no word of it."""


class Noting(CompactionObserver):
    """An observer."""

    def __init__(self) -> None:
        self.told: list[CompactionEvent] = []

    def after_compaction(self, event: CompactionEvent) -> None:
        self.told.append(event)


def in_memory(**options: Any) -> Session:
    memory = CompactionMemory.from_defaults(session_id="s1", token_limit=800, **options)
    memory.put_messages([user(FACT), answer("A fine name.")])
    for turn in turns(12):
        memory.put_messages(turn)
    return memory.session


def in_store(**options: Any) -> Session:
    store = CompactionChatStore(token_limit=800, **options)
    for message in (user(FACT), answer("A fine name."), *(each for turn in turns(12) for each in turn)):
        store.add_message("s1", message)
    return store.session("s1")


def in_block(**options: Any) -> Session:
    block = CompactionMemoryBlock(token_limit=800, **options)

    async def fill() -> None:
        await block.aput([user(FACT), answer("A fine name.")], session_id="s1")
        for turn in turns(12):
            await block.aput(turn, session_id="s1")

    asyncio.run(fill())
    return block.session("s1")


FACES = [in_memory, in_store, in_block]
Face = Callable[..., Session]


@pytest.mark.parametrize("face", FACES)
def test_an_embedder_finds_what_has_no_word_of_the_question(face: Face) -> None:
    plain, session = face(), face(embedder=HashedEmbedder())
    session.drain()
    assert (plain.stats.unembedded, session.stats.unembedded) == (None, 0)
    assert "m:1" not in [hit.ref for hit in plain.recall(QUESTION)]
    assert session.recall(QUESTION)[0].ref == "m:1"


@pytest.mark.parametrize("face", FACES)
def test_observers_are_told_and_a_pinned_message_stays(face: Face) -> None:
    def is_fact(message: Message) -> bool:
        return message.text == FACT

    noting = Noting()
    session = face(observers=(noting,), is_pinned=is_fact)
    assert any(event.committed for event in noting.told)
    assert session.view.head_end > 1, "the fact is where messages leave"
    assert FACT in "\n".join(message.text for message in session.context())


@pytest.mark.parametrize("face", FACES)
def test_what_is_drafted_in_the_background_is_not_waited_for(face: Face) -> None:
    drafter = ScriptedDrafter(lambda asked: "## Current State\n- Boats were spoken of.")
    session = face(post_turn="background", drafter=drafter, policy=Policy.anchored(fidelity_floor=0.0))
    session.drain()
    session.context()
    assert any(event.trigger == "post_turn" and event.committed for event in session.events)


@pytest.mark.parametrize("face", [in_memory, in_block])
def test_the_llm_is_asked_where_the_drafter_fails(face: Face) -> None:
    writer = ScriptedDrafter(lambda asked: "## Current State\n- Boats were spoken of.")
    failing = RaisingDrafter()
    session = face(drafter=failing, llm=writer, policy=Policy.anchored(fidelity_floor=0.0))
    assert writer.requests
    told = [event for event in session.events if event.writer == writer.name]
    assert any(failing.name in event.fell_back_from for event in told)


@pytest.mark.parametrize("face", [in_store, in_block])
def test_a_failure_after_a_turn_fails_none_and_keeps_nothing_twice(
    face: Face, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def afails(*_: Any) -> None:
        raise ArchiveUnavailable("locked")

    def fails(*_: Any) -> None:
        raise ArchiveUnavailable("locked")

    monkeypatch.setattr(Session, "aafter_turn", afails)
    monkeypatch.setattr(Session, "after_turn", fails)
    assert len(face().history()) == 26


async def test_a_store_adds_a_message_though_what_comes_after_it_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def afails(*_: Any) -> None:
        raise ArchiveUnavailable("locked")

    monkeypatch.setattr(Session, "aafter_turn", afails)
    store = CompactionChatStore()
    await store.async_add_message("s1", answer("Good day."))
    assert len(store.archived_messages("s1")) == 1


def test_a_memory_shows_its_session_in_a_notebook() -> None:
    memory = CompactionMemory.from_defaults(session_id="ada", token_limit=2000)
    memory.put_messages([user("<script>alert(1)</script>"), answer("No.")])
    html = memory._repr_html_()
    assert html is not None
    page = read(html)
    assert "Session ada" in page.text
    assert "script" not in page.tags
    memory.close()
    assert memory._repr_html_() is None, "a closed one is shown as text"
