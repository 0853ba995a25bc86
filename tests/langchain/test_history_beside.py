"""While the model answers, the history is compacted or grows: once each, nothing dropped, all the same."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.runnables import RunnableLambda

from langchain_compaction import CompactionChatMessageHistory
from tests.langchain.chatting import S1, memory, talk, upstream
from tests.langchain.history_chats import (
    SHAPES,
    TOKENS,
    WAYS,
    Chat,
    archived,
    by_ids,
    store,
)


@by_ids
async def test_compacted_while_the_model_answers_nothing_is_stored_twice(shape, way, shared):
    """What upstream cuts off is then less than what was prepended: old turns come back."""
    archive = memory()
    get = store(archive, shared=shared)
    talk(get("s1"), 4, words=15)
    before = archived(get)

    def compact(_number: int) -> None:
        other = CompactionChatMessageHistory("s1", archive, max_tokens=TOKENS)
        assert other.session.compact().committed
        assert len(other.messages) < len(before)

    await Chat(shape, way, get, then=compact).ask("q1")
    assert archived(get) == [*before, ("human", "q1"), ("ai", "a1")]


@by_ids
async def test_grown_while_the_model_answers_the_question_is_not_dropped(shape, way, shared):
    archive = memory()
    get = store(archive, shared=shared)
    talk(get("s1"), 1)

    def grow(_number: int) -> None:
        other = CompactionChatMessageHistory("s1", archive, max_tokens=TOKENS)
        other.add_messages([HumanMessage("q other"), AIMessage("a other"), HumanMessage("one more")])

    await Chat(shape, way, get, then=grow).ask("q1")
    ends = [("human", "q other"), ("ai", "a other"), ("human", "one more"), ("human", "q1"), ("ai", "a1")]
    assert archived(get)[2:] == ends


@pytest.mark.parametrize("way", ["invoke", "stream"])
@pytest.mark.parametrize("shared", [True, False])
async def test_of_a_question_of_several_messages_the_part_cut_off_is_put_back(way, shared):
    archive = memory()
    get = store(archive, shared=shared)

    def grow(_number: int) -> None:
        CompactionChatMessageHistory("s1", archive, max_tokens=TOKENS).add_user_message("other")

    chat = Chat("list", way, get, then=grow)
    value = [HumanMessage("one"), HumanMessage("two"), HumanMessage("three")]
    chat.chain.invoke(value, S1) if way == "invoke" else list(chat.chain.stream(value, S1))
    assert [text for _, text in archived(get)] == ["other", "one", "two", "three", "a1"]
    assert all(message.id is None for message in value)


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("shape", SHAPES[:3])
async def test_three_turns_of_one_session_within_each_other(shape, shared):
    get = store(memory(), shared=shared)

    def nested(number: int) -> None:
        if number < 3:
            ask(f"q{number + 1}")

    chat = Chat(shape, "invoke", get, then=nested)

    def ask(question: str) -> None:
        chat.chain.invoke({"question": question} if "key" in shape else [HumanMessage(question)], S1)

    ask("q1")
    assert [text for _, text in archived(get)] == ["q3", "a3", "q2", "a2", "q1", "a1"]


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("shape", SHAPES[:3])
def test_three_turns_of_one_session_in_threads(shape, shared):
    """All have begun before one ends. Upstream enters in a thread of the pool where there is an input key."""
    get = store(memory(), shared=shared)
    get("s1")
    begun, ended = threading.Barrier(3), [threading.Event() for _ in range(4)]
    ended[0].set()

    def answer(given: Any) -> str:
        messages = given if isinstance(given, list) else given["question"]
        number = int((messages if isinstance(messages, str) else messages[-1].text)[1:])
        begun.wait()
        assert ended[number - 1].wait(60)
        return f"a{number}"

    keys = {"input_messages_key": "question"} if "key" in shape else {}
    if shape == "history key":
        keys["history_messages_key"] = "history"
    chain = upstream(RunnableLambda(answer), get, **keys)

    def ask(number: int) -> None:
        value = [HumanMessage(f"q{number}")]
        chain.invoke({"question": f"q{number}"} if "key" in shape else value, S1)
        ended[number].set()

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(ask, (1, 2, 3)))
    stored = [text for _, text in archived(get)]
    assert stored[1::2] == ["a1", "a2", "a3"]
    if shape == "input key" and shared:
        assert sorted(stored[::2]) == ["q1", "q2", "q3"]
    else:
        assert stored[::2] == ["q1", "q2", "q3"]


@pytest.mark.parametrize("way", ["ainvoke", "astream"])
@pytest.mark.parametrize("shape", SHAPES[:3])
async def test_three_turns_of_one_session_on_one_loop(shape, way):
    """Which question belongs to which answer cannot be told there; that each is stored once can."""
    get = store(memory(), shared=True)
    begun = asyncio.Barrier(3)
    answered: list[asyncio.Event] = []

    async def answer(given: Any) -> str:
        await begun.wait()
        number = len(answered)
        answered.append(asyncio.Event())
        if number:
            await answered[number - 1].wait()  # the whole turn before has ended, and its list is gone
        return "a"

    keys = {"input_messages_key": "question"} if "key" in shape else {}
    if shape == "history key":
        keys["history_messages_key"] = "history"
    chat = Chat(shape, way, get)
    chat.chain = upstream(RunnableLambda(answer), get, **keys)
    turns = [asyncio.create_task(chat.ask(f"q{number}")) for number in (1, 2, 3)]
    for _ in turns:
        await next(iter(asyncio.as_completed([turn for turn in turns if not turn.done()])))
        answered[sum(turn.done() for turn in turns) - 1].set()
    kinds = [kind for kind, _ in archived(get)]
    assert kinds == ["human", "ai"] * 3
    assert sorted(text for _, text in archived(get)) == ["a", "a", "a", "q1", "q2", "q3"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["human", "ai"])
async def test_what_is_added_beside_a_turn_is_stored_and_the_turn_too_once(way, kind):
    """An answer by itself looks like that of a turn whose question was cut off, and gets the question."""
    get = store(memory(), shared=True)

    def aside(_number: int) -> None:
        get("s1").add_user_message("aside") if kind == "human" else get("s1").add_ai_message("aside")

    await Chat("list", way, get, then=aside).ask("q1")
    texts = [text for _, text in archived(get)]
    assert texts == (["aside", "q1", "a1"] if kind == "human" else ["q1", "aside", "a1"])


@pytest.mark.parametrize("way", WAYS)
async def test_a_question_put_back_too_early_is_not_stored_again_with_its_answer(way):
    archive = memory()
    get = store(archive, shared=True)
    talk(get("s1"), 4, words=15)
    before = archived(get)

    def aside(_number: int) -> None:
        get("s1").add_ai_message("aside")
        other = CompactionChatMessageHistory("s1", archive, max_tokens=TOKENS // 3)
        assert len(other.messages) < len(before)

    await Chat("list", way, get, then=aside).ask("q1")
    assert archived(get) == [*before, ("human", "q1"), ("ai", "aside"), ("ai", "a1")]
