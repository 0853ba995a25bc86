"""A LangChain message that shows other blocks than it was read with: cleared, clamped, shortened."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from context_compaction import Message, ReasoningBlock, TextBlock, ToolCallBlock, ToolResultBlock
from langchain_compaction.messages.kinds import function_of
from langchain_compaction.messages.making import as_openai, parsed
from langchain_compaction.messages.parts import Part, block_of, part_of


def text_of(blocks: Iterable[Any]) -> str:
    """What string content says."""
    return "\n".join(
        block.text if isinstance(block, TextBlock) else block.content
        for block in blocks
        if isinstance(block, (TextBlock, ToolResultBlock))
    )


def rewrite(message: Message, fields: dict[str, Any]) -> None:
    """Make ``fields``, as they were recorded, say what the message's blocks do. All else stays."""
    calls = {call.id: call for call in message.tool_calls}
    parts: Any = fields.get("content")
    if not isinstance(parts, list):
        fields["content"] = text_of(message.blocks)
    elif message.tool_result is not None:
        fields["content"] = _result_parts(message, cast("list[Part]", parts))
    else:
        fields["content"] = _parts(message, cast("list[Part]", parts), calls)
    kwargs = dict(fields["additional_kwargs"])
    if not any(isinstance(block, ReasoningBlock) for block in message.blocks):
        kwargs.pop("reasoning_content", None)
    _rewrite_calls(calls, fields, kwargs)
    fields["additional_kwargs"] = kwargs


def _rewrite_calls(
    calls: Mapping[str, ToolCallBlock], fields: dict[str, Any], kwargs: dict[str, Any]
) -> None:
    """New arguments in all the places where LangChain keeps them."""
    for call in fields.get("tool_calls", ()):
        if call["id"] in calls:
            call["args"] = _arguments(calls[call["id"]], call["args"])
    for invalid in fields.get("invalid_tool_calls", ()):
        if invalid["id"] in calls:
            invalid["args"] = calls[invalid["id"]].arguments
    if "tool_calls" in kwargs:
        kwargs["tool_calls"] = [
            as_openai(calls[call["id"]]) if call.get("id") in calls else call for call in kwargs["tool_calls"]
        ]
    function = kwargs.get("function_call")
    for call in calls.values():
        if isinstance(function, dict) and function_of(call.id) is not None:
            kwargs["function_call"] = {**cast("dict[str, Any]", function), "arguments": call.arguments}


def _arguments(call: ToolCallBlock, before: Any) -> Any:
    found = parsed(call.arguments)
    return before if found is None else found


def _parts(message: Message, parts: list[Part], calls: Mapping[str, ToolCallBlock]) -> list[Part]:
    """Parts that still say the same as they were (citations, cache marks and all), new ones for the rest."""
    read = [(block_of(part, calls), part) for part in parts]
    left = [(block, part) for block, part in read if block is not None]
    out: list[Part] = []
    for block in message.blocks:
        if isinstance(block, (ToolCallBlock, ToolResultBlock)):
            continue
        found = next((place for place, (known, _) in enumerate(left) if known == block), None)
        out.append(part_of(block) if found is None else left.pop(found)[1])
    return out + [_call_part(part, calls) for block, part in read if block is None]


def _call_part(part: Part, calls: Mapping[str, ToolCallBlock]) -> Part:
    """A call that stands among the parts, too, with its arguments as they are now."""
    data = cast("dict[str, Any]", part)
    call = calls[str(data.get("call_id") or data.get("id"))]
    for key in ("input", "args", "arguments"):
        if isinstance(data.get(key), str):
            return {**data, key: call.arguments}
        if key in data:
            return {**data, key: _arguments(call, data[key])}
    return part


def _result_parts(message: Message, parts: list[Part]) -> Any:
    """The result's text in one part, then what was no text and is still shown."""
    shown = set(message.blocks)
    rest = [part for part in parts if block_of(part, ()) in shown]
    text = text_of(message.blocks)
    return [{"type": "text", "text": text}, *rest] if rest else text
