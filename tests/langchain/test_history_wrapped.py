"""`CompactionChatMessageHistory` in upstream's `RunnableWithMessageHistory`: once each, nothing dropped.

By shape of the chain, by way to run it, with one history for all runs and with a new one for each.
"""

from __future__ import annotations

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.runnables import RunnableLambda

from tests.langchain.chatting import S1, config, memory, talk, upstream
from tests.langchain.history_chats import (
    SHAPES,
    WAYS,
    Chat,
    archived,
    by_ids,
    every,
    store,
)


@every
async def test_each_message_is_stored_once_as_it_was_said(shape, way, shared):
    get = store(memory(), shared=shared)
    chat = Chat(shape, way, get)
    for number in (1, 2, 3):
        await chat.ask(f"q{number}")
    assert archived(get) == [(t, f"{c}{n}") for n in (1, 2, 3) for t, c in (("human", "q"), ("ai", "a"))]
    assert all(m.id is None for m in get("s1").archived_messages if m.type == "human")


@every
async def test_a_long_history_is_shown_compacted_and_kept_whole(shape, way, shared):
    get = store(memory(), shared=shared)
    talk(get("s1"), 12)
    chat = Chat(shape, way, get)
    await chat.ask("q1")
    await chat.ask("q2")
    assert archived(get)[24:] == [("human", "q1"), ("ai", "a1"), ("human", "q2"), ("ai", "a2")]
    assert len(archived(get)) == 28
    if shape != "chat model":
        assert all(len(seen if isinstance(seen, list) else seen["question"]) < 24 for seen in chat.seen)


@by_ids
async def test_a_run_that_fails_stores_nothing_and_the_next_is_fine(shape, way, shared):
    get = store(memory(), shared=shared)
    talk(get("s1"), 1)

    def fail(number: int) -> None:
        if number == 1:
            raise RuntimeError("model broke")

    chat = Chat(shape, way, get, then=fail)
    with pytest.raises(RuntimeError, match="model broke") as held:
        await chat.ask("q1")
    assert len(archived(get)) == 2
    await chat.ask("q2")
    assert archived(get)[2:] == [("human", "q2"), ("ai", "a2")]
    assert held.value  # its traceback holds the failed turn's list


@every
async def test_the_same_message_object_sent_twice_is_stored_twice(shape, way, shared):
    get = store(memory(), shared=shared)
    chat = Chat(shape, way, get)
    question = HumanMessage("again")
    if shape == "history key":
        await chat.ask("again")
        await chat.ask("again")
    else:
        await chat.ask(question)
        await chat.ask(question)
    assert archived(get) == [("human", "again"), ("ai", "a1"), ("human", "again"), ("ai", "a2")]
    assert question == HumanMessage("again")


@pytest.mark.parametrize(
    ("shape", "way", "shared"), [(s, w, b) for s in SHAPES[:2] for w in WAYS for b in (True, False)]
)
async def test_a_message_with_an_id_of_its_own_keeps_it_and_is_stored_once(shape, way, shared):
    get = store(memory(), shared=shared)
    chat = Chat(shape, way, get)
    await chat.ask(HumanMessage("hello", id="mine"))
    await chat.ask(HumanMessage("hello", id="mine"))
    assert archived(get) == [("human", "hello"), ("ai", "a1"), ("ai", "a2")]
    assert get("s1").archived_messages[0].id == "mine"


async def test_an_agent_that_gives_everything_back_is_stored_once():
    get = store(memory(), shared=True)
    talk(get("s1"), 1)

    def agent(messages: list[BaseMessage]) -> list[BaseMessage]:
        return [*messages, AIMessage("done")]

    chain = upstream(RunnableLambda(agent), get)
    chain.invoke([HumanMessage("q1")], S1)
    chain.invoke([HumanMessage("q2")], S1)
    tail = [("human", "q1"), ("ai", "done"), ("human", "q2"), ("ai", "done")]
    assert archived(get)[2:] == tail


async def test_batches_over_sessions():
    get = store(memory(), shared=True)
    chat = Chat("list", "invoke", get)
    chat.chain.batch([[HumanMessage(f"q{n}")] for n in range(6)], [config(f"s{n}") for n in range(6)])
    assert [get(f"s{n}").archived_messages[0].text for n in range(6)] == [f"q{n}" for n in range(6)]
    assert [len(get(f"s{n}").archived_messages) for n in range(6)] == [2] * 6
