"""A LangChain message that shows other blocks than it was read with: cleared, clamped, shortened."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from context_compaction import Message, ReasoningBlock, TextBlock, ToolCallBlock, ToolResultBlock
from langchain_compaction.messages.kinds import function_of
from langchain_compaction.messages.parts import Part, PlainBlock, block_of, part_of

Block = PlainBlock | ToolCallBlock | ToolResultBlock


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
    kwargs = dict(fields["additional_kwargs"])
    blocks = _beside_thought(message, kwargs)
    parts: Any = fields.get("content")
    if not isinstance(parts, list):
        fields["content"] = text_of(blocks)
    elif message.tool_result is not None:
        fields["content"] = _result_parts(message, cast("list[Part]", parts))
    else:
        fields["content"] = _parts(blocks, cast("list[Part]", parts), calls)
    _rewrite_calls(calls, fields, kwargs)
    fields["additional_kwargs"] = kwargs


def _beside_thought(message: Message, kwargs: dict[str, Any]) -> list[Block]:
    """The blocks that are not told in ``reasoning_content``, which leaves when it is not shown."""
    blocks: list[Block] = list(message.blocks)
    thought = kwargs.get("reasoning_content")
    if isinstance(thought, str) and thought:
        if ReasoningBlock(thought) in blocks:
            blocks.remove(ReasoningBlock(thought))
        else:
            del kwargs["reasoning_content"]
    return blocks


def _rewrite_calls(
    calls: Mapping[str, ToolCallBlock], fields: dict[str, Any], kwargs: dict[str, Any]
) -> None:
    """New arguments in all the places where LangChain keeps them."""
    for call in fields.get("tool_calls", ()):
        if call["id"] in calls:
            call["args"] = _arguments(calls[call["id"]], call["args"])
    for invalid in fields.get("invalid_tool_calls", ()):
        if invalid["id"] in calls:
            invalid["args"] = calls[invalid["id"]].arguments or invalid["args"]
    written: Any = kwargs.get("tool_calls")
    if isinstance(written, list):
        kwargs["tool_calls"] = [_written(call, calls) for call in cast("list[Any]", written)]
    function: Any = kwargs.get("function_call")
    for call in calls.values():
        if isinstance(function, dict) and function_of(call.id) is not None:
            kwargs["function_call"] = {**cast("dict[str, Any]", function), "arguments": call.arguments}


def _written(raw: Any, calls: Mapping[str, ToolCallBlock]) -> Any:
    """A call as the provider wrote it, with its arguments as they are now."""
    if not isinstance(raw, dict):
        return raw
    data = cast("dict[str, Any]", raw)
    call, function = calls.get(str(data.get("id"))), data.get("function")
    if call is None or not isinstance(function, dict):
        return data
    return {**data, "function": {**cast("dict[str, Any]", function), "arguments": call.arguments}}


def _arguments(call: ToolCallBlock, before: Any) -> Any:
    found = call.parsed()
    return before if found is None else found


def _parts(blocks: Iterable[Block], parts: list[Part], calls: Mapping[str, ToolCallBlock]) -> list[Part]:
    """The parts in their order, cache marks and all; a text that was cut stands where it stood.

    Calls that stand among them have their arguments as they are now.
    """
    shown = [block for block in blocks if not isinstance(block, (ToolCallBlock, ToolResultBlock))]
    read = [(place, block_of(part, calls)) for place, part in enumerate(parts)]
    out = [(place, _call_part(parts[place], calls)) for place, block in read if block is None]
    left = [(place, block) for place, block in read if block is not None]
    last = -1
    for block in shown:
        found = next((each for each in left if each[1] == block), None)
        instead = found or next((each for each in left if _replaced(each[1], block, shown)), None)
        if instead is not None:
            left.remove(instead)
            last = instead[0]
        elif block == TextBlock(""):  # stands for no content at all
            continue
        was = None if instead is None else parts[instead[0]]
        out.append((last, was if found is not None and was is not None else _cut(block, was)))
    return [part for _, part in sorted(out, key=lambda each: each[0])]


def _replaced(before: PlainBlock, block: PlainBlock, shown: Sequence[PlainBlock]) -> bool:
    return type(before) is type(block) and before not in shown


def _cut(block: PlainBlock, part: Part | None) -> Part:
    """A text in the words it has now, marked as it was; all else as a standard part."""
    if isinstance(block, TextBlock) and isinstance(part, str):
        return block.text
    if isinstance(block, TextBlock) and isinstance(part, dict) and isinstance(part.get("text"), str):
        return {**part, "text": block.text}
    return part_of(block)


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
