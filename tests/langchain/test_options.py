"""What a session can be told, LangChain's memory, history, step and middleware pass on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from context_compaction import (
    ArchiveUnavailable,
    Budget,
    CompactionEvent,
    CompactionObserver,
    Message,
    Policy,
    Session,
    open_archive,
)
from context_compaction.testing.drafters import ScriptedDrafter
from context_compaction.testing.embedders import HashedEmbedder
from langchain_compaction import (
    ArchiveRetriever,
    CompactionChatMessageHistory,
    CompactionMiddleware,
    ConversationCompactionMemory,
    compact_messages,
)
from tests.langchain.asking import chat

FACT = "my bicycle is called Pegasus and stands in Lisbon"
QUESTION = "bicyclist pegasuslike lisbonner"
"""Holds no word of it."""
BUDGET = Budget(context_window=4096)
TALK = [HumanMessage(FACT), AIMessage("A fine name."), *chat(20)]


class Noting(CompactionObserver):
    """An observer."""

    def __init__(self) -> None:
        self.told: list[CompactionEvent] = []

    def after_compaction(self, event: CompactionEvent) -> None:
        self.told.append(event)


def in_memory(**options: Any) -> list[BaseMessage]:
    memory = ConversationCompactionMemory(max_token_limit=1000, return_messages=True, **options)
    for asked, answered in zip(TALK[::2], TALK[1::2], strict=True):
        memory.save_context({"input": asked.content}, {"output": answered.content})
    memory.session.drain()
    return memory.load_memory_variables({})["history"]


def in_history(**options: Any) -> list[BaseMessage]:
    history = CompactionChatMessageHistory(max_tokens=1000, **options)
    for asked, answered in zip(TALK[::2], TALK[1::2], strict=True):
        history.add_messages([asked, answered])
    history.session.drain()
    return history.messages


def in_step(**options: Any) -> list[BaseMessage]:
    step = compact_messages(max_tokens=1000, archive=open_archive(":memory:"), **options)
    return step.invoke([*TALK, HumanMessage("And now?")], {"configurable": {"session_id": "s1"}})


Face = Callable[..., list[BaseMessage]]


@pytest.mark.parametrize("face", [in_memory, in_history, in_step])
def test_observers_are_told_and_a_pinned_message_stays(face: Face) -> None:
    def is_fact(message: Message) -> bool:
        return message.text == FACT

    noting = Noting()
    shown = "\n".join(str(message.text) for message in face(observers=(noting,), is_pinned=is_fact))
    assert any(event.committed for event in noting.told)
    assert FACT in shown
    assert "question 1 about" not in shown, "what stood beside it has left"


@pytest.mark.parametrize("face", [in_memory, in_history])
def test_what_is_drafted_in_the_background_is_shown_in_the_end(face: Face) -> None:
    noting, drafter = Noting(), ScriptedDrafter(lambda asked: "## Current State\n- Boats were spoken of.")
    policy = Policy.anchored(fidelity_floor=0.0)
    face(post_turn="background", drafter=drafter, policy=policy, observers=(noting,))
    assert any(event.trigger == "post_turn" and event.committed for event in noting.told)


def test_a_turn_is_kept_though_what_comes_after_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> None:
        raise ArchiveUnavailable("locked")

    memory = ConversationCompactionMemory()
    monkeypatch.setattr(Session, "after_turn", fails)
    memory.save_context({"input": "hello"}, {"output": "Good day."})
    assert len(memory.session.history()) == 2


def test_a_thread_that_is_looked_up_before_it_goes_on_has_the_middlewares_options(tmp_path: Path) -> None:
    """Whoever compacts or searches it by hand: by the same window, redactor, drafter and embedder."""
    with Session(tmp_path / "a.db", "t1", budget=BUDGET) as session:
        session.append([{"role": "user", "content": FACT}, {"role": "assistant", "content": "A fine name."}])
    drafter = ScriptedDrafter(lambda asked: "## Current State\n- Pegasus is spoken of.")
    middleware = CompactionMiddleware(
        max_input_tokens=4096,
        archive=tmp_path / "a.db",
        embedder=HashedEmbedder(),
        redactor=lambda text: text.replace("Lisbon", "[town]"),
        drafter=drafter,
    )
    session = middleware.session({"configurable": {"thread_id": "t1"}})
    session.drain()
    assert session.recall(QUESTION)[0].ref == "m:1"
    session.append([{"role": "user", "content": f"{n} " + "more " * 200} for n in range(20)])
    session.compact()
    assert drafter.requests, "by a window of 4096"
    assert "Lisbon" not in repr(drafter.requests)
    middleware.close()


def test_a_retriever_of_its_own_weighs_meaning(tmp_path: Path) -> None:
    with Session(tmp_path / "a.db", "s1", budget=BUDGET, embedder=HashedEmbedder()) as session:
        session.append([{"role": "user", "content": FACT}])
        session.drain()
    retriever = ArchiveRetriever.from_archive(tmp_path / "a.db", "s1", embedder=HashedEmbedder())
    retriever.session.drain()
    assert [document.id for document in retriever.invoke(QUESTION)] == ["m:1"]
    retriever.session.close()
