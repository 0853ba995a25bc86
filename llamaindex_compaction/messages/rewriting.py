"""A LlamaIndex message that shows other blocks than it was read with: cleared, clamped, shortened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from llama_index.core.base.llms.types import CachePoint
from llama_index.core.base.llms.types import TextBlock as LITextBlock
from llama_index.core.base.llms.types import ToolCallBlock as LICallBlock

from context_compaction import Message, TextBlock, ToolCallBlock, ToolResultBlock
from llamaindex_compaction.messages.calls import ARGUMENT_KEYS, id_of, value_of
from llamaindex_compaction.messages.making import made_block
from llamaindex_compaction.messages.parts import blocks_of

Calls = Mapping[str, ToolCallBlock]


def rewrite(message: Message, blocks: list[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Blocks and ``additional_kwargs``, as they were recorded, saying what the message does now."""
    calls = {call.id: call for call in message.tool_calls}
    shown = [block for block in message.blocks if not isinstance(block, ToolCallBlock)]
    if message.tool_result is not None:
        return _result(shown, blocks), kwargs
    return _blocks(shown, blocks, calls), _kwargs(kwargs, calls)


def _result(shown: list[Any], blocks: list[Any]) -> list[Any]:
    """The result's text in one block, then what was no text and is still shown."""
    texts = [
        block.text if isinstance(block, TextBlock) else block.content
        for block in shown
        if isinstance(block, (TextBlock, ToolResultBlock))
    ]
    left = [block for block in shown if not isinstance(block, (TextBlock, ToolResultBlock))]
    return [LITextBlock(text="\n".join(texts)), *(kept for block in blocks for kept in _no_text(block, left))]


def _no_text(block: Any, left: list[Any]) -> list[Any]:
    """The block itself, or what in it is no text; taken from what is left to show."""
    read: list[Any] = blocks_of(block)
    there: list[Any] = []
    for part in read:
        if part in left:
            left.remove(part)
            there.append(part)
    if isinstance(block, CachePoint) or (read and there == read):
        return [block]
    return [made_block(part) for part in there]


def _blocks(shown: list[Any], blocks: list[Any], calls: Calls) -> list[Any]:
    """The blocks in their order, cache points and all; what was cut stands where it stood."""
    left = list(shown)
    out: list[Any] = []
    for place, block in enumerate(blocks):
        if isinstance(block, LICallBlock):
            out.append(_call(block, calls))
            continue
        read: list[Any] = blocks_of(block)
        if isinstance(block, CachePoint) or (read and left[: len(read)] == read):
            out.append(block)
            del left[: len(read)]
            continue
        later = [part for other in blocks[place + 1 :] for part in blocks_of(other)]
        for before in read:
            if left and type(left[0]) is type(before) and left[0] not in later:
                out.append(made_block(left.pop(0)))  # noqa: PERF401 - the next one is looked at after this
    return out + [made_block(block) for block in left if block != TextBlock("")]


def _call(block: LICallBlock, calls: Calls) -> LICallBlock:
    call = calls.get(block.tool_call_id or block.tool_name)
    if call is None:
        return block
    arguments = call.parsed()
    kwargs = call.arguments if arguments is None else arguments
    return block.model_copy(update={"tool_kwargs": kwargs})


def _kwargs(kwargs: dict[str, Any], calls: Calls) -> dict[str, Any]:
    """New arguments in the other place where LlamaIndex keeps calls."""
    out = dict(kwargs)
    listed: Any = kwargs.get("tool_calls")
    if isinstance(listed, list):
        out["tool_calls"] = [_written(call, calls) for call in cast("list[Any]", listed)]
    if "function_call" in kwargs:
        out["function_call"] = _written(kwargs["function_call"], calls)
    return out


def _written(raw: Any, calls: Calls) -> Any:
    """A call as the provider left it, with its arguments as they are now."""
    call = calls.get(id_of(raw) or "")
    if call is None or not isinstance(raw, dict):
        return raw
    data = cast("dict[str, Any]", raw)
    if isinstance(inner := data.get("function"), dict):
        return {**data, "function": _argued(cast("dict[str, Any]", inner), call)}
    return _argued(data, call)


def _argued(body: dict[str, Any], call: ToolCallBlock) -> dict[str, Any]:
    key = next((key for key in ARGUMENT_KEYS if body.get(key) is not None), None)
    if key is None:
        return body
    arguments = call.parsed()
    text = isinstance(value_of(body, key), str) or arguments is None
    return {**body, key: call.arguments if text else arguments}
