"""LangChain's counters as the engine's, and the engine's in the shape that LangChain takes."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.language_models import FakeListChatModel
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
    trim_messages,
)
from langchain_core.messages.utils import count_tokens_approximately

from context_compaction import Budget, Message, Session, TokenCounter, ToolCallBlock
from langchain_compaction import LangChainCounter, as_token_counter, counter_of, from_langchain
from langchain_compaction.messages import read_all
from tests.langchain.said import WRITTEN

TALK: list[BaseMessage] = [
    SystemMessage("be brief"),
    HumanMessage("hello there, how are you?"),
    AIMessage("", additional_kwargs={"tool_calls": [WRITTEN]}),
    ToolMessage("seen", tool_call_id="w1"),
]


class Sized(FakeListChatModel):
    """A model that counts letters, and ten for each message."""

    responses: list[str] = ["x"]  # noqa: RUF012 - pydantic copies it

    def get_num_tokens_from_messages(self, messages: Any, tools: Any = None) -> int:
        return sum(10 + len(message.content) for message in messages)


def by_text(text: str) -> int:
    return len(text)


def by_message(message: BaseMessage) -> int:
    return 1 + len(message.content)


def by_human(message: HumanMessage) -> int:
    return 2 + len(message.content)


def by_messages(messages: list[BaseMessage]) -> int:
    return sum(3 + len(message.content) for message in messages)


def by_anything(what: Any) -> int:
    return 5 * len(what)


HELLO = from_langchain(HumanMessage("hello"))


@pytest.mark.parametrize(
    ("counter", "tokens", "text", "name"),
    [
        (by_text, 4 + 5, 5, "callable/by_text"),
        (by_message, 1 + 5, 5, "langchain/by_message"),
        (by_human, 2 + 5, 5, "langchain/by_human"),
        (by_messages, 3 + 5, 5, "langchain/by_messages"),
        (by_anything, 5, 0, "langchain/by_anything"),
        (lambda messages: 7 * len(messages), 7, 0, "langchain/<lambda>"),
        (len, 1, 0, "langchain/len"),
        (Sized(), 10 + 5, 5, "langchain/Sized"),
        (count_tokens_approximately, 6, 2, "langchain/count_tokens_approximately"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_counter_is_taken_by_its_annotation(counter: Any, tokens: int, text: int, name: str) -> None:
    counting = counter_of(counter)
    assert (counting.message(HELLO), counting.text("hello"), counting.name) == (tokens, text, name)
    assert not counting.same_name_same_counts


def test_without_an_annotation_the_caller_says_what_it_takes() -> None:
    assert counter_of(lambda text: len(text), takes="text").text("hello") == 5  # noqa: PLW0108
    assert counter_of(len, takes="text").text("hello") == 5
    assert counter_of(by_messages, takes="text").message(HELLO) == 8


def test_names_and_the_engines_own_counters() -> None:
    assert counter_of(None).name == TokenCounter.of(None).name
    assert counter_of("approximate").name == TokenCounter.of("approximate").name
    own = TokenCounter.of("approximate")
    assert counter_of(own) is own
    with pytest.raises(ValueError, match="no-such-encoding"):
        counter_of("no-such-encoding")
    with pytest.raises(TypeError):
        counter_of(7)


@pytest.mark.parametrize(
    ("given", "error"), [("7", TypeError), (7.0, TypeError), (None, TypeError), (-1, ValueError)]
)
def test_what_is_no_count_of_tokens(given: Any, error: Any) -> None:
    counting = LangChainCounter(lambda _: given, name="odd")
    with pytest.raises(error, match="langchain/odd gave"):
        counting.message(HELLO)


def test_messages_of_any_origin_are_counted_as_langchain_would() -> None:
    counting = counter_of(count_tokens_approximately)
    for message in TALK:
        assert counting.message(from_langchain(message)) == count_tokens_approximately([message])
    made = Message("assistant", [ToolCallBlock("c1", "look", '{"at": "it"}')])
    written = AIMessage("", tool_calls=[{"id": "c1", "name": "look", "args": {"at": "it"}}])
    assert counting.message(made) == count_tokens_approximately([written])


def test_a_whole_request_is_never_counted_too_low() -> None:
    for counter in (count_tokens_approximately, by_messages, Sized().get_num_tokens_from_messages):
        assert counter_of(counter).messages(read_all(TALK)) >= counter(TALK)


def test_a_session_counts_with_it() -> None:
    budget = Budget(context_window=1000, reserve_tokens=0)
    with Session(":memory:", budget=budget, counter=counter_of(Sized())) as session:
        session.append(read_all([HumanMessage("x" * 40), AIMessage("y" * 40)] * 30))
        seen = session.context()
        assert session.stats.counter == "langchain/Sized"
    assert sum(10 + len(message.text) for message in seen) <= 1000


def test_back_again_in_trim_messages() -> None:
    """An engine's counter where LangChain wants one: the same numbers, for a list or one message."""
    count = as_token_counter("approximate")
    own = TokenCounter.of("approximate")
    assert count(TALK) == own.messages(read_all(TALK))
    assert count([]) == own.messages([])
    assert count(iter(TALK)) == count(TALK)
    last = [*TALK, HumanMessage("the last one")]
    limit = count(TALK[:1]) + count(last[-1:])  # it counts the head by itself
    assert trim_messages(
        last, max_tokens=limit, token_counter=count, include_system=True, start_on="human"
    ) == [
        TALK[0],
        last[-1],
    ]
    assert as_token_counter(by_text)([HumanMessage("hello")]) == 3 + 4 + 5
    assert as_token_counter()(TALK) == TokenCounter.of(None).messages(read_all(TALK))
