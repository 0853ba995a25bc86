"""A LangChain message for one that came from elsewhere, made from its blocks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from context_compaction import MediaBlock, Message, ReasoningBlock, TextBlock, ToolCallBlock, ToolResultBlock
from langchain_compaction.messages.kinds import OPENAI_ROLE, function_of
from langchain_compaction.messages.parts import PlainBlock, part_of

LC_SOURCE = {"lc_source": "summarization"}
"""How LangChain's own middleware marks a summary: user interfaces filter by it."""


def made(message: Message) -> BaseMessage:
    """Reads back as the same blocks."""
    kwargs: dict[str, Any] = {} if message.timestamp is None else {"timestamp": message.timestamp}
    common: dict[str, Any] = {"id": message.id, "name": message.name, "additional_kwargs": kwargs}
    if message.role == "tool":
        return _result(message, common)
    if message.role == "assistant":
        return _answer(message, common)
    common["content"] = _content(message.blocks)
    if message.role == "user":
        kwargs |= LC_SOURCE if message.is_context else {}
        return HumanMessage(**common)
    if message.role == "developer":
        kwargs[OPENAI_ROLE] = "developer"
    return SystemMessage(**common)


def _answer(message: Message, common: dict[str, Any]) -> AIMessage:
    said = [block for block in message.blocks if not isinstance(block, ToolCallBlock)]
    first = said[0] if said else None
    if isinstance(first, ReasoningBlock) and first.text and first.signature is None:
        common["additional_kwargs"]["reasoning_content"] = first.text
        said = said[1:]
    tool_calls: list[dict[str, Any]] = []
    invalid: list[dict[str, Any]] = []
    for call in message.tool_calls:
        if (function := function_of(call.id)) is not None:
            common["additional_kwargs"]["function_call"] = {"name": function, "arguments": call.arguments}
            continue
        arguments = call.parsed()
        if arguments is None:
            invalid.append({"id": call.id, "name": call.name, "args": call.arguments, "error": None})
        else:
            tool_calls.append({"id": call.id, "name": call.name, "args": arguments})
    answerable = [call for call in message.tool_calls if function_of(call.id) is None]
    if invalid or any(json.dumps(call.parsed()) != call.arguments for call in answerable):
        # Arguments that were written with other spaces come back as they were, and in their order.
        common["additional_kwargs"]["tool_calls"] = [as_openai(call) for call in answerable]
    return AIMessage(content=_content(said), tool_calls=tool_calls, invalid_tool_calls=invalid, **common)


def _result(message: Message, common: dict[str, Any]) -> BaseMessage:
    result, *rest = message.blocks
    if not isinstance(result, ToolResultBlock):
        result = next(block for block in message.blocks if isinstance(block, ToolResultBlock))
        rest = [block for block in message.blocks if block is not result]
    content: Any = result.content
    if rest:
        content = [part_of(block) for block in (TextBlock(result.content), *_plain(rest))]
    common["name"] = message.name or result.name
    function = function_of(result.call_id)
    if function is not None:
        common |= {"content": content, "name": function}
        return FunctionMessage(**common)
    status = "error" if result.is_error else "success"
    return ToolMessage(content=content, tool_call_id=result.call_id, status=status, **common)


def as_openai(call: ToolCallBlock) -> dict[str, Any]:
    """A call as OpenAI's format has it."""
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _plain(blocks: Sequence[Any]) -> list[PlainBlock]:
    return [block for block in blocks if isinstance(block, (TextBlock, ReasoningBlock, MediaBlock))]


def _content(blocks: Sequence[Any]) -> Any:
    """One text as a string, nothing as an empty one, else standard parts."""
    plain = _plain(blocks)
    if not plain:
        return ""
    if len(plain) == 1 and isinstance(plain[0], TextBlock):
        return plain[0].text
    return [part_of(block) for block in plain]
