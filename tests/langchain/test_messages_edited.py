"""What a view shows in place of an original is written wherever LangChain keeps it; all else stays."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from langchain_core.messages import AIMessage, BaseMessage, FunctionMessage, HumanMessage, ToolMessage

from context_compaction import Message, ReasoningBlock, TextBlock, ToolCallBlock, ToolResultBlock
from langchain_compaction import from_langchain, to_langchain
from tests.langchain import said

LONG = '{"path": "a.py", "text": "' + "x" * 50 + '"}'
SHORT = '{"path": "a.py", "text": "xx..."}'
NOW = {"path": "a.py", "text": "xx..."}
BEFORE = {"path": "a.py", "text": "x" * 50}
PARTS: list[Any] = [
    {"type": "thinking", "thinking": "hm", "signature": "s"},
    {"type": "text", "text": "I write.", "cache_control": {"type": "ephemeral"}},
    {"type": "tool_use", "id": "c1", "name": "write", "input": BEFORE, "caller": "direct"},
]


def edited(message: BaseMessage, change: Any) -> BaseMessage:
    """The message with its blocks changed, as a rung does it."""
    read = from_langchain(message)
    return to_langchain(
        read.with_blocks([new for block in read.blocks if (new := change(block)) is not None])
    )


def shortened(block: Any) -> Any:
    """The arguments of a call made short."""
    return ToolCallBlock(block.id, block.name, SHORT) if isinstance(block, ToolCallBlock) else block


def cleared(block: Any) -> Any:
    """A result's text taken away."""
    if isinstance(block, ToolResultBlock):
        return ToolResultBlock(block.call_id, "[cleared]", block.name, block.is_error)
    return block


def unthought(block: Any) -> Any:
    """Without reasoning."""
    return None if isinstance(block, ReasoningBlock) else block


def clamped(block: Any) -> Any:
    """A text cut."""
    return TextBlock(block.text[:3]) if isinstance(block, TextBlock) else block


def called(**more: Any) -> AIMessage:
    """A call that writes a file, with an identity of its own."""
    return AIMessage(
        **{
            "content": "I write.",
            "tool_calls": [{"id": "c1", "name": "write", "args": BEFORE}],
            "id": "ai1",
            "response_metadata": {"model": "m"},
            **more,
        }
    )


@given(said.messages)
def test_an_edit_that_changes_nothing_changes_nothing(message: BaseMessage) -> None:
    """Its blocks are the same, and all that is beside them."""
    read = from_langchain(message)
    assume(len({call.id for call in read.tool_calls}) == len(read.tool_calls))
    back = to_langchain(read.with_blocks(read.blocks))
    assert from_langchain(back).blocks == read.blocks
    if message.type not in ("tool", "function"):  # a result's text parts become one
        assert said.alike(back, message), (back, message)


def test_short_arguments_are_in_all_places() -> None:
    wrote = {"id": "c1", "type": "function", "function": {"name": "write", "arguments": LONG}}
    other = {"id": "c9", "type": "function", "function": {"name": "other", "arguments": "{}"}}
    message = called(content=PARTS, additional_kwargs={"tool_calls": [wrote, other], "refusal": None})
    back = edited(message, shortened)
    assert isinstance(back, AIMessage)
    assert back.tool_calls == [{"id": "c1", "name": "write", "args": NOW, "type": "tool_call"}]
    assert back.content[:2] == PARTS[:2]
    assert back.content[2] == {**PARTS[2], "input": NOW}
    assert back.additional_kwargs == {
        "tool_calls": [{**wrote, "function": {"name": "write", "arguments": SHORT}}, other],
        "refusal": None,
    }
    assert (back.id, back.response_metadata) == ("ai1", {"model": "m"})


@pytest.mark.parametrize(
    "part",
    [
        {"type": "function_call", "call_id": "c1", "id": "fc_1", "name": "write", "arguments": LONG},
        {"type": "tool_call", "id": "c1", "name": "write", "args": BEFORE},
        {"type": "tool_use", "id": "c1", "name": "write", "input": LONG, "index": 1},
    ],
    ids=lambda part: part["type"],
)
def test_short_arguments_among_the_parts_of_each_provider(part: dict[str, Any]) -> None:
    [back] = edited(called(content=[part]), shortened).content
    assert isinstance(back, dict)
    key = next(name for name in ("arguments", "args", "input") if name in part)
    assert back == {**part, key: SHORT if isinstance(part[key], str) else NOW}


def test_short_arguments_of_an_invalid_call_and_an_old_function_call() -> None:
    invalid: Any = [{"id": "i1", "name": "write", "args": LONG + "}", "error": "bad"}]
    back = edited(AIMessage("", invalid_tool_calls=invalid), shortened)
    assert isinstance(back, AIMessage)
    assert [(call["args"], call["error"]) for call in back.invalid_tool_calls] == [(SHORT, "bad")]
    old = {"function_call": {"name": "write", "arguments": LONG, "extra": 1}}
    assert edited(AIMessage("", additional_kwargs=old), shortened).additional_kwargs == {
        "function_call": {"name": "write", "arguments": SHORT, "extra": 1}
    }


def test_a_cleared_result_keeps_who_it_answers_and_its_artifact() -> None:
    message = ToolMessage(
        "x" * 99, tool_call_id="c1", name="look", status="error", artifact=(1, b"2"), id="t1"
    )
    back = edited(message, cleared)
    assert said.alike(back, message.model_copy(update={"content": "[cleared]"}))


def test_a_cleared_result_of_parts_keeps_what_is_still_shown() -> None:
    image = {"type": "image", "base64": "QUJD", "mime_type": "image/png"}
    message = ToolMessage([{"type": "text", "text": "a"}, image, "b"], tool_call_id="c1")
    assert edited(message, cleared).content == [{"type": "text", "text": "[cleared]"}, image]
    only = ToolMessage([{"type": "text", "text": "a"}], tool_call_id="c1")
    assert edited(only, cleared).content == "[cleared]"


def test_a_cleared_function_result() -> None:
    back = edited(FunctionMessage(name="old", content="x" * 99), cleared)
    assert back == FunctionMessage(name="old", content="[cleared]")


def test_stripped_reasoning_leaves_every_place() -> None:
    parts = called(content=PARTS, additional_kwargs={"reasoning_content": "hm too", "kept": 1})
    back = edited(parts, unthought)
    assert back.content == PARTS[1:]
    assert back.additional_kwargs == {"kept": 1}


def test_reasoning_that_is_still_shown_is_where_it_was() -> None:
    """Reasoning beside the content is no part of the content."""
    message = called(content=PARTS[1:2], additional_kwargs={"reasoning_content": "hm"})
    back = edited(message, shortened)
    assert back.additional_kwargs == {"reasoning_content": "hm"}
    assert back.content == PARTS[1:2]
    assert from_langchain(back).blocks[0] == ReasoningBlock("hm")


def test_a_clamped_text() -> None:
    assert edited(HumanMessage("a long text", id="h1", sitting=2), clamped) == HumanMessage(
        "a l", id="h1", sitting=2
    )
    parts: list[Any] = ["bare text", {"type": "image", "url": "https://a", "id": "img"}]
    back = edited(HumanMessage(parts), clamped)
    assert back.content == ["bar", parts[1]]


def test_parts_stay_in_their_order() -> None:
    """A text that was cut stands before the call that it stood before, marked as it was."""
    after = {"type": "text", "text": "and after", "id": "t2"}
    message = called(content=[*PARTS, after])
    back = edited(message, clamped)
    assert back.content == [PARTS[0], {**PARTS[1], "text": "I w"}, PARTS[2], {**after, "text": "and"}]


def test_an_edited_message_reads_back_as_what_it_shows() -> None:
    read = from_langchain(called(content=PARTS))
    shown: Message = read.with_blocks([TextBlock("I wr..."), *map(shortened, read.tool_calls)])
    assert from_langchain(to_langchain(shown)).blocks == shown.blocks
