"""A LlamaIndex message that a view shows edited says what the edit says, and keeps all else."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from llama_index.core.base.llms import types as li
from llama_index.core.base.llms.types import ChatMessage

from context_compaction import Message, ReasoningBlock, TextBlock, ToolCallBlock, ToolResultBlock
from llamaindex_compaction import from_llamaindex, to_llamaindex
from tests.llamaindex import said

POINT = li.CachePoint(cache_control=li.CacheControl(type="ephemeral"))
PICTURE = li.ImageBlock(url="https://a.example/a.png")


def shown(message: ChatMessage, change: Any) -> ChatMessage:
    """The message with each of its engine's blocks changed; None takes one out."""
    read = from_llamaindex(message)
    return to_llamaindex(
        read.with_blocks([new for block in read.blocks if (new := change(block)) is not None])
    )


def without_thought(block: Any) -> Any:
    return None if isinstance(block, ReasoningBlock) else block


def test_thought_that_is_stripped_is_gone_and_the_cache_point_stays() -> None:
    message = ChatMessage(
        role="assistant",
        blocks=[li.ThinkingBlock(content="hm"), li.TextBlock(text="so"), POINT, PICTURE],
        additional_kwargs={"cost": 1},
    )
    assert shown(message, without_thought) == ChatMessage(
        role="assistant",
        blocks=[li.TextBlock(text="so"), POINT, PICTURE],
        additional_kwargs={"cost": 1},
    )


def test_a_text_that_is_cut_stands_where_it_stood() -> None:
    texts = [li.TextBlock(text="first"), PICTURE, li.TextBlock(text="a long one"), POINT]
    cut = shown(
        ChatMessage(blocks=texts),
        lambda block: TextBlock("a...") if block == TextBlock("a long one") else block,
    )
    assert cut.blocks == [*texts[:2], li.TextBlock(text="a..."), POINT]


def test_a_result_that_is_cleared_keeps_its_call_and_its_picture() -> None:
    kwargs = {"tool_call_id": "c1", "name": "f"}
    message = ChatMessage(
        role="tool",
        blocks=[li.TextBlock(text="line"), li.TextBlock(text="line"), PICTURE],
        additional_kwargs=kwargs,
    )

    def cleared(block: Any) -> Any:
        return ToolResultBlock("c1", "[omitted]", "f") if isinstance(block, ToolResultBlock) else block

    assert shown(message, cleared) == ChatMessage(
        role="tool", blocks=[li.TextBlock(text="[omitted]"), PICTURE], additional_kwargs=kwargs
    )


def test_arguments_are_shortened_in_both_representations() -> None:
    """OpenAI's interface reads the one or the other."""
    long = {"path": "a.py", "text": "x" * 500}
    message = ChatMessage(
        role="assistant",
        blocks=[li.ToolCallBlock(tool_call_id="c1", tool_name="write", tool_kwargs=long)],
        additional_kwargs={
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "write", "arguments": '{"path": 1}'}},
                {"id": "c2", "name": "look", "input": long},
            ]
        },
    )
    short = {"path": "a.py", "text": "x..."}

    def shortened(block: ToolCallBlock) -> ToolCallBlock:
        return ToolCallBlock(block.id, block.name, '{"path": "a.py", "text": "x..."}')

    after = shown(message, shortened)
    assert after.blocks == [li.ToolCallBlock(tool_call_id="c1", tool_name="write", tool_kwargs=short)]
    first, second = after.additional_kwargs["tool_calls"]
    assert first["function"] == {"name": "write", "arguments": '{"path": "a.py", "text": "x..."}'}
    assert second["input"] == short


def test_a_call_that_is_named_in_two_ways_goes_by_its_block() -> None:
    """Also where both ask for it with the same arguments."""
    written = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    message = ChatMessage(
        role="assistant",
        blocks=[li.ToolCallBlock(tool_call_id="c1", tool_name="g", tool_kwargs={})],
        additional_kwargs={"tool_calls": [written]},
    )
    assert [call.name for call in from_llamaindex(message).tool_calls] == ["g"]


@given(said.messages)
def test_an_edit_that_changes_nothing_changes_nothing(message: ChatMessage) -> None:
    read = from_llamaindex(message)
    again = from_llamaindex(to_llamaindex(read.with_blocks(read.blocks)))
    assert said_by(again) == said_by(read)


@given(said.messages, st.data())
def test_an_edited_message_says_what_is_shown(message: ChatMessage, data: st.DataObject) -> None:
    """Texts and results cut, thoughts taken out, in whatever it is that holds them."""
    read = from_llamaindex(message)
    stripped = data.draw(st.booleans())
    blocks: list[Any] = []
    for place, block in enumerate(read.blocks):
        if isinstance(block, ReasoningBlock):
            blocks += [] if stripped else [block]
        elif isinstance(block, TextBlock) and data.draw(st.booleans()):
            blocks.append(TextBlock(f"cut {place}"))
        elif isinstance(block, ToolResultBlock) and data.draw(st.booleans()):
            blocks.append(ToolResultBlock(block.call_id, f"cut {place}", block.name))
        else:
            blocks.append(block)
    edited = read.with_blocks(blocks or [TextBlock("cut")])
    assert said_by(from_llamaindex(to_llamaindex(edited))) == said_by(edited)


def said_by(message: Message) -> tuple[str, list[Any]]:
    """What it says, calls by what they ask for. An empty text beside other blocks says nothing."""
    calls = sorted((call.id, call.name) for call in message.tool_calls)
    rest = [block for block in message.blocks if not isinstance(block, ToolCallBlock)]
    return message.role, [*(block for block in rest if block != TextBlock("")), calls]
