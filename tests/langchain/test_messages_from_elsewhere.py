"""Messages of another origin as LangChain's: they read back as the same blocks."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, FunctionMessage, HumanMessage, SystemMessage, ToolMessage

from context_compaction import (
    Budget,
    MediaBlock,
    Message,
    ReasoningBlock,
    Session,
    TextBlock,
    ToolCallBlock,
    ToolResultBlock,
    compact,
)
from langchain_compaction import from_langchain, to_langchain
from tests.builders import assistant, call, result, user
from tests.langchain.said import texts

optional = st.one_of(st.none(), texts)
full = texts.filter(bool)
plain = st.builds(TextBlock, full)
reasoning = st.builds(ReasoningBlock, texts, optional)
kinds = st.sampled_from(["image", "audio", "video", "file"])
mimes = st.sampled_from([None, "image/png"])
details = st.sampled_from([None, "low"])
media = st.one_of(
    st.builds(MediaBlock, kinds, data=st.just("QUJD"), mime=mimes, detail=details),
    st.builds(MediaBlock, kinds, url=st.just("https://a.example/a"), mime=mimes, detail=details),
)
arguments = st.one_of(
    st.dictionaries(texts, st.integers(), max_size=2).map(json.dumps),
    st.sampled_from(["", "{", "[1]", "null", '{"a":1}', '{"a": 1, "a": 2}', '{ "x" : NaN }']),
)
calls = st.lists(
    st.builds(ToolCallBlock, st.sampled_from(["a", "b", "c"]), full, arguments),
    max_size=3,
    unique_by=lambda block: block.id,
)
said = st.lists(st.one_of(plain, reasoning, media), max_size=3)
messages = st.one_of(
    st.builds(Message, st.sampled_from(["user", "system", "developer"]), said.filter(bool), id=st.just("x")),
    st.builds(lambda blocks, called: [*blocks, *called], said, calls)
    .filter(bool)
    .map(lambda blocks: Message("assistant", blocks)),
    st.builds(
        lambda answer, rest: Message("tool", [answer, *rest]),
        st.builds(ToolResultBlock, st.just("a"), full, st.none(), st.booleans()),
        st.lists(media, max_size=2),
    ),
)


@given(messages)
def test_blocks_of_any_origin_read_back_equal(message: Message) -> None:
    back = from_langchain(to_langchain(message))
    assert back.blocks == message.blocks
    assert (back.role, back.id, back.name) == (message.role, message.id, message.name)


@pytest.mark.parametrize(
    "data",
    [
        user("hello", name="ann", id="u1"),
        {"role": "system", "content": "be brief"},
        {"role": "developer", "content": "be brief"},
        assistant("I look.", call("c1", "look", '{"at":"it"}')),
        assistant(None, call("c1", "look", "{broken"), call("c2", "look", {})),
        assistant("said", reasoning_content="thought"),
        result("c1", "seen"),
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "what is it?"},
                {"type": "image_url", "image_url": {"url": "https://a"}},
            ],
        },
    ],
    ids=str,
)  # fmt: skip
def test_the_chat_format_reads_back_equal(data: dict[str, Any]) -> None:
    message = Message.from_openai(data)
    back = from_langchain(to_langchain(message))
    assert (back.role, back.blocks, back.id, back.name) == (
        message.role, message.blocks, message.id, message.name,
    )  # fmt: skip


def test_an_old_function_call_reads_back_equal() -> None:
    message = Message("assistant", [ToolCallBlock("function_call:old", "old", '{"a":1}')])
    written = to_langchain(message)
    assert written == AIMessage(
        "", additional_kwargs={"function_call": {"name": "old", "arguments": '{"a":1}'}}
    )
    assert from_langchain(written).blocks == message.blocks


def test_the_classes_are_the_ones_of_the_roles() -> None:
    old = Message("tool", [ToolResultBlock("function_call:old", "42", "old")])
    classes = {
        HumanMessage: Message("user", "a"),
        AIMessage: Message("assistant", "a"),
        SystemMessage: Message("developer", "a"),
        ToolMessage: Message("tool", [ToolResultBlock("c", "a", is_error=True)]),
        FunctionMessage: old,
    }
    for kind, message in classes.items():
        assert type(to_langchain(message)) is kind
    assert to_langchain(classes[SystemMessage]).additional_kwargs == {"__openai_role__": "developer"}
    failed = to_langchain(classes[ToolMessage])
    assert isinstance(failed, ToolMessage)
    assert failed.status == "error"


def test_the_context_message_is_marked_as_langchain_marks_summaries() -> None:
    talk = [Message("user" if place % 2 else "assistant", f"turn {place} " * 40) for place in range(40)]
    seen, _ = compact(talk, budget=Budget(context_window=2000, reserve_tokens=0))
    [context] = [message for message in seen if message.is_context]
    written = to_langchain(context)
    assert written.additional_kwargs["lc_source"] == "summarization"
    assert isinstance(written, HumanMessage)
    back = from_langchain(written)
    assert back.is_context
    assert back.blocks == context.blocks


def test_an_archive_of_the_chat_format_is_read_by_langchain() -> None:
    with Session(":memory:", budget=Budget(context_window=10_000)) as session:
        session.append([user("look"), assistant(None, call("c1", "look", {})), result("c1", "seen")])
        written = [to_langchain(message) for message in session.history()]
    assert [type(message) for message in written] == [HumanMessage, AIMessage, ToolMessage]
    assert written[1] == AIMessage("", tool_calls=[{"id": "c1", "name": "look", "args": {}}])
