"""LlamaIndex's messages through the engine and back: nothing is lost, whatever they hold."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llama_index.core.base.llms import types as li
from llama_index.core.base.llms.types import ChatMessage, MessageRole

from context_compaction import (
    Budget,
    InvalidMessage,
    MediaBlock,
    Message,
    ReasoningBlock,
    Session,
    TextBlock,
    TokenCounter,
    ToolCallBlock,
    ToolResultBlock,
)
from llamaindex_compaction import from_llamaindex, to_llamaindex
from llamaindex_compaction.messages import read_all, write_all
from llamaindex_compaction.messages.records import BLOCKS
from tests.langchain import said as langchain_said
from tests.llamaindex import said

BUDGET = Budget(context_window=100_000)


def test_every_class_of_block_is_among_those_that_are_tried() -> None:
    assert set(said.BLOCKS) == set(BLOCKS)


@given(said.messages)
def test_every_message_comes_back_equal(message: ChatMessage) -> None:
    back = to_llamaindex(from_llamaindex(message))
    assert said.alike(back, message), (back, message)


@given(st.lists(said.messages, max_size=4))
def test_every_message_comes_back_equal_from_an_archive(messages: list[ChatMessage]) -> None:
    with Session(":memory:", budget=BUDGET) as session:
        session.append(read_all(messages))
        back = write_all(session.history())
    assert len(back) == len(messages)
    assert all(map(said.alike, back, messages)), (back, messages)


@given(said.messages)
def test_reading_leaves_the_message_as_it_is(message: ChatMessage) -> None:
    before = message.model_copy(deep=True)
    from_llamaindex(message)
    assert said.alike(message, before)


@given(said.messages)
def test_what_is_given_back_shares_nothing(message: ChatMessage) -> None:
    """Agents write into the messages that a memory gives them."""
    read = from_llamaindex(message)
    first = to_llamaindex(read)
    first.additional_kwargs["state"] = "written into"
    first.blocks.append(li.TextBlock(text="and this"))
    assert said.alike(to_llamaindex(read), message)


@pytest.mark.parametrize(
    ("block", "blocks"),
    [
        (
            li.ThinkingBlock(content="hm", additional_information={"signature": "s"}),
            [ReasoningBlock("hm", "s")],
        ),
        (li.ThinkingBlock(content=None, additional_information={"id": "rs"}), [ReasoningBlock("")]),
        (li.ImageBlock(image=b"abc", detail="low"), [MediaBlock("image", data="YWJj", detail="low")]),
        (li.ImageBlock(image=BytesIO(b"abc")), [MediaBlock("image", data="YWJj")]),
        (
            li.ImageBlock(url="https://a.example/a.png"),
            [MediaBlock("image", url="https://a.example/a.png", mime="image/png")],
        ),
        (
            li.ImageBlock(url="data:image/png;base64,YWJj"),
            [MediaBlock("image", data="YWJj", mime="image/png")],
        ),
        (li.AudioBlock(audio=b"abc", format="wav"), [MediaBlock("audio", data="YWJj", mime="wav")]),
        (li.VideoBlock(video=b"abc"), [MediaBlock("video", data="YWJj")]),
        (li.DocumentBlock(path="gone.pdf"), [MediaBlock("file", url="gone.pdf", mime="application/pdf")]),
        (
            li.CitableBlock(title="T", source="s.txt", content=[li.TextBlock(text="body")]),
            [TextBlock("T (s.txt)"), TextBlock("body")],
        ),
        (
            li.CitationBlock(
                cited_content=li.TextBlock(text="quoted"), source="s", title="T", additional_location_info={}
            ),
            [TextBlock("quoted")],
        ),
        (li.CachePoint(cache_control=li.CacheControl(type="ephemeral")), [TextBlock("")]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_a_block_says(block: Any, blocks: list[Any]) -> None:
    assert list(from_llamaindex(ChatMessage(role="assistant", blocks=[block])).blocks) == blocks


@pytest.mark.parametrize(
    "written",
    [
        said.WRITTEN,
        SimpleNamespace(id="w1", function=SimpleNamespace(name="f", arguments='{"x" :  1}')),
        SimpleNamespace(id="fc_9", call_id="w1", name="f", arguments='{"x" :  1}'),
    ],
    ids=["dict", "object", "responses"],
)
def test_a_call_in_both_representations_is_one_call_and_counted_once(written: Any) -> None:
    """OpenAI's answers hold each call as a block and in ``additional_kwargs``."""
    block = li.ToolCallBlock(tool_call_id="w1", tool_name="f", tool_kwargs={"x": 1})
    both = from_llamaindex(
        ChatMessage(role="assistant", blocks=[block], additional_kwargs={"tool_calls": [written]})
    )
    assert both.blocks == (ToolCallBlock("w1", "f", '{"x" :  1}'),)
    alone = from_llamaindex(ChatMessage(role="assistant", blocks=[block]))
    counter = TokenCounter.of("approximate")
    assert counter.message(both) - counter.message(alone) <= 2  # the spaces in its arguments


@pytest.mark.parametrize(
    ("kwargs", "calls"),
    [
        ({"tool_calls": [said.WRITTEN, said.BROKEN]}, [("w1", "f", '{"x" :  1}'), ("w2", "g", '{"x" : ')]),
        ({"tool_calls": [said.CLAUDE]}, [("toolu_1", "look", '{"at": "it"}')]),
        ({"tool_calls": [said.OLLAMA]}, [("f", "f", '{"x": 1}')]),
        ({"tool_calls": [said.COHERE]}, [("f", "f", '{"x": 1}')]),
        ({"function_call": {"name": "old", "arguments": "{}"}}, [("old", "old", "{}")]),
    ],
)
def test_calls_that_only_the_kwargs_hold(kwargs: dict[str, Any], calls: list[tuple[str, str, str]]) -> None:
    read = from_llamaindex(ChatMessage(role="assistant", content=None, additional_kwargs=kwargs))
    assert [(call.id, call.name, call.arguments) for call in read.tool_calls] == calls


@pytest.mark.parametrize(
    ("kwargs", "call_id"),
    [
        ({"tool_call_id": "c1", "name": "f"}, "c1"),
        ({"call_id": "c1"}, "c1"),
        ({"name": "f"}, "f"),
        ({}, "no_call"),
        ({"tool_call_id": ""}, "no_call"),
    ],
)
@pytest.mark.parametrize("role", ["tool", "function"])
def test_which_call_a_result_answers(role: str, kwargs: dict[str, Any], call_id: str) -> None:
    read = from_llamaindex(ChatMessage(role=MessageRole(role), content="42", additional_kwargs=kwargs))
    assert read.tool_result == ToolResultBlock(call_id, "42", kwargs.get("name"))


def test_a_call_without_an_id_and_its_result_stay_together() -> None:
    """Some models give their calls no ids; what a function then answers is its name."""
    call = li.ToolCallBlock(tool_name="f", tool_kwargs={})
    said_ = [
        ChatMessage(role="user", content="go"),
        ChatMessage(role="assistant", blocks=[call]),
        ChatMessage(role="tool", content="42", additional_kwargs={"tool_call_id": "f"}),
    ]
    with Session(":memory:", budget=BUDGET) as session:
        session.append(read_all(said_))
        assert write_all(session.context()) == said_


@pytest.mark.parametrize("what", [{"role": "user"}, "text", None])
def test_what_is_no_message_is_refused_with_its_place(what: Any) -> None:
    with pytest.raises(InvalidMessage, match="message 1: ") as caught:
        read_all([ChatMessage(content="a"), what])
    assert caught.value.index == 1


def test_a_closed_file_is_refused() -> None:
    buffer = BytesIO(b"abc")
    message = ChatMessage(blocks=[li.ImageBlock(image=buffer)])
    buffer.close()
    with pytest.raises(InvalidMessage, match="BytesIO cannot be read"):
        from_llamaindex(message)


@pytest.mark.parametrize(
    "raw", ['{"role":"sudo","additional_kwargs":{}}', "[]", '{"$plain":"os.system","data":""}']
)
def test_a_record_that_is_none_of_ours_is_refused(raw: str) -> None:
    with pytest.raises(InvalidMessage, match="cannot be read"):
        to_llamaindex(Message("user", "a", raw=raw, format="llamaindex"))


def test_a_file_that_is_gone_does_no_harm(tmp_path: Path) -> None:
    """Only its address was said."""
    path = tmp_path / "a.png"
    path.write_bytes(b"abc")
    read = from_llamaindex(ChatMessage(blocks=[li.ImageBlock(path=path)]))
    path.unlink()
    assert to_llamaindex(read).blocks[0].path == path  # type: ignore[union-attr]


@given(langchain_said.messages)
def test_messages_of_another_framework_read_back_as_the_same_blocks(message: Any) -> None:
    """What was said in LangChain, shown by LlamaIndex, says the same."""
    from langchain_compaction import from_langchain

    read = from_langchain(message)
    again = from_llamaindex(to_llamaindex(read))
    assert (again.role, [_plain(block) for block in again.blocks]) == (
        read.role,
        [_plain(block) for block in _ordered(read)],
    )


def _plain(block: Any) -> Any:
    """LlamaIndex's calls hold objects, not their text, and its results no name of their own and no status."""
    if isinstance(block, ToolCallBlock):
        try:
            return block.id or block.name, block.name, json.loads(block.arguments)
        except ValueError:
            return block.id or block.name, block.name, block.arguments
    if isinstance(block, ToolResultBlock):
        return block.call_id, block.content
    return block


def _ordered(message: Message) -> list[Any]:
    return (
        sorted(message.blocks, key=lambda block: not isinstance(block, ToolResultBlock))
        if message.role == "tool"
        else list(message.blocks)
    )
