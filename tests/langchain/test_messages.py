"""LangChain's messages through the engine and back: nothing is lost, whatever they hold."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    BaseMessageChunk,
    HumanMessage,
    RemoveMessage,
    ToolMessage,
    message_chunk_to_message,
)

from context_compaction import (
    Budget,
    InvalidMessage,
    MediaBlock,
    ReasoningBlock,
    Session,
    TextBlock,
    ToolCallBlock,
    ToolResultBlock,
)
from langchain_compaction import from_langchain, to_langchain
from langchain_compaction.messages import read_all
from tests.langchain import said
from tests.langchain.parts import LONG, PARTS, PICTURE

BUDGET = Budget(context_window=100_000)


@given(said.messages)
def test_every_message_comes_back_equal(message: BaseMessage) -> None:
    back = to_langchain(from_langchain(message))
    assert said.alike(back, message), (back, message)


@given(said.chunks)
def test_a_chunk_comes_back_as_the_message_that_it_adds_up_to(chunk: BaseMessageChunk) -> None:
    assert said.alike(to_langchain(from_langchain(chunk)), message_chunk_to_message(chunk))


@given(st.lists(said.messages, max_size=4))
def test_every_message_comes_back_equal_from_an_archive(messages: list[BaseMessage]) -> None:
    for place, message in enumerate(messages):
        message.id = None if message.id is None else f"{place}/{message.id}"
    with Session(":memory:", budget=BUDGET) as session:
        session.append(read_all(messages))
        back = [to_langchain(message) for message in session.history()]
    assert len(back) == len(messages)
    assert all(map(said.alike, back, messages)), (back, messages)


@given(said.messages)
def test_reading_leaves_the_message_as_it_is(message: BaseMessage) -> None:
    before = message.model_copy(deep=True)
    from_langchain(message)
    assert said.alike(message, before)


@pytest.mark.parametrize("part", PARTS, ids=repr)
def test_every_kind_of_part_is_something_for_the_engine(part: Any) -> None:
    [block] = from_langchain(HumanMessage([part])).blocks
    assert isinstance(block, (TextBlock, ReasoningBlock, MediaBlock))


@pytest.mark.parametrize(
    ("part", "block"),
    [
        ("bare", TextBlock("bare")),
        ({"text": "no type"}, TextBlock("no type")),
        ({"type": "output_text", "text": "said"}, TextBlock("said")),
        ({"type": "thinking", "thinking": "hm", "signature": "s"}, ReasoningBlock("hm", "s")),
        ({"type": "redacted_thinking", "data": "opaque"}, ReasoningBlock("", "opaque")),
        ({"type": "reasoning", "reasoning": "hm"}, ReasoningBlock("hm")),
        (
            {"type": "reasoning_content", "reasoning_content": {"text": "hm", "signature": "s"}},
            ReasoningBlock("hm", "s"),
        ),
        ({"type": "reasoning", "summary": [{"text": "a"}, {"text": "b"}]}, ReasoningBlock("a\nb")),
        (
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PICTURE}", "detail": "low"}},
            MediaBlock("image", data=PICTURE, mime="image/png", detail="low"),
        ),
        (
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PICTURE}},
            MediaBlock("image", data=PICTURE, mime="image/png"),
        ),
        ({"type": "audio", "base64": "UklG"}, MediaBlock("audio", "UklG")),
        ({"type": "media", "file_uri": "gs://a"}, MediaBlock("file", url="gs://a")),
        (
            {"type": "image", "image": {"format": "png", "source": {"bytes": b"abc"}}},
            MediaBlock("image", data="YWJj", mime="png"),
        ),
        ({"image": {"format": "png", "source": {"bytes": b"abc"}}}, MediaBlock("file", data="YWJj")),
        ({"type": "new", "deep": [{"bytes": LONG}]}, MediaBlock("file", data=LONG)),
    ],
    ids=repr,
)  # fmt: skip
def test_what_a_part_says(part: Any, block: Any) -> None:
    assert from_langchain(HumanMessage([part])).blocks == (block,)


def test_bytes_are_never_counted_as_text() -> None:
    """An image of a megabyte that a tool gave is media, in whatever it is wrapped."""
    wrapped = {"type": "computer_output", "output": {"image": "A" * 100_000}}
    message = from_langchain(ToolMessage([{"type": "text", "text": "shot"}, wrapped], tool_call_id="c"))
    assert message.text == "shot"
    assert [type(block) for block in message.blocks] == [ToolResultBlock, MediaBlock]


def test_a_call_among_the_parts_is_one_call() -> None:
    """Anthropic's content holds the call that LangChain's tool_calls hold, too."""
    parts: list[Any] = [
        {"type": "text", "text": "I look."},
        {"type": "tool_use", "id": "c1", "name": "look", "input": {"at": "it"}},
    ]
    message = from_langchain(
        AIMessage(parts, tool_calls=[{"id": "c1", "name": "look", "args": {"at": "it"}}])
    )
    assert message.blocks == (TextBlock("I look."), ToolCallBlock("c1", "look", '{"at": "it"}'))


def test_arguments_are_kept_as_the_provider_wrote_them() -> None:
    message = AIMessage("", additional_kwargs={"tool_calls": [said.WRITTEN, said.BROKEN]})
    assert [(call.id, call.arguments) for call in from_langchain(message).tool_calls] == [
        ("w1", '{"x" :  1}'),
        ("w2", '{"x" : '),
    ]


class Aside(BaseMessage):
    """A message class of somebody else's."""

    type: str = "aside"


@pytest.mark.parametrize(
    "what", [RemoveMessage(id="m1"), Aside(content="psst"), {"role": "user"}, "text", None]
)
def test_what_is_no_message_is_refused_with_its_place(what: Any) -> None:
    with pytest.raises(InvalidMessage, match="message 2: ") as caught:
        read_all([HumanMessage("a"), HumanMessage("b"), what])
    assert caught.value.index == 2


def test_a_record_that_is_none_of_ours_is_refused() -> None:
    """A stored record names a class by LangChain's type; nothing else is ever made of it."""
    message = from_langchain(HumanMessage("a"))
    foreign = type(message)("user", "a", raw='{"type":"os.system","data":{}}', format="langchain")
    with pytest.raises(InvalidMessage, match="cannot be read"):
        to_langchain(foreign)
