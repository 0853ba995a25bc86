"""Tool calls of a message: as blocks, and as providers leave them in ``additional_kwargs``; each once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.base.llms.types import ToolCallBlock as CallBlock

from context_compaction import ToolCallBlock

ARGUMENT_KEYS = ("arguments", "input", "args", "parameters", "tool_kwargs")
_ID_KEYS = ("call_id", "id", "tool_call_id", "tool_id")
_NAME_KEYS = ("name", "tool_name")


def call_of(block: CallBlock) -> ToolCallBlock:
    """A call that is a block. Where the provider has no ids, results answer a name."""
    return ToolCallBlock(
        block.tool_call_id or block.tool_name, block.tool_name, arguments_of(block.tool_kwargs)
    )


def calls_of(message: ChatMessage) -> list[ToolCallBlock]:
    """All its calls: the blocks in order, then those that only ``additional_kwargs`` hold.

    Arguments are as the provider wrote them, where it left them beside a block that says the same.
    """
    written = {call.id: call for call in _written(message.additional_kwargs)}
    blocks = [call_of(block) for block in message.blocks if isinstance(block, CallBlock)]
    calls = [
        as_written if (as_written := written.pop(call.id, None)) and _same(as_written, call) else call
        for call in blocks
    ]
    return calls + list(written.values())


def arguments_of(value: Any) -> str:
    """Arguments as JSON text; text is as the model wrote it."""
    return value if isinstance(value, str) else json.dumps(value, default=repr)


def value_of(holder: Any, *keys: str) -> Any:
    """The first of these that a dict or an object of a provider has; None if it has none of them."""
    for key in keys:
        mapping = isinstance(holder, Mapping)
        found = cast("Mapping[str, Any]", holder).get(key) if mapping else getattr(holder, key, None)
        if found is not None:
            return found
    return None


def id_of(call: Any) -> str | None:
    """What results answer, of a call as a provider left it; None if it is no call."""
    body: Any = value_of(call, "function") or call
    found = value_of(call, *_ID_KEYS) or value_of(body, *_NAME_KEYS)
    return found if isinstance(found, str) and found else None


def _written(kwargs: Mapping[str, Any]) -> Iterator[ToolCallBlock]:
    listed: Any = kwargs.get("tool_calls")
    for call in cast("Sequence[Any]", listed) if isinstance(listed, (list, tuple)) else ():
        if (found := _read(call)) is not None:
            yield found
    if (found := _read(kwargs.get("function_call"))) is not None:
        yield found


def _read(call: Any) -> ToolCallBlock | None:
    """A call of OpenAI's two interfaces, Anthropic's, Cohere's or Ollama's, as a dict or an object."""
    body: Any = value_of(call, "function") or call
    name, call_id = value_of(body, *_NAME_KEYS), id_of(call)
    if not isinstance(name, str) or call_id is None:
        return None
    arguments = value_of(body, *ARGUMENT_KEYS)
    return ToolCallBlock(call_id, name, arguments_of({} if arguments is None else arguments))


def _same(written: ToolCallBlock, call: ToolCallBlock) -> bool:
    try:
        return written.name == call.name and json.loads(written.arguments) == json.loads(call.arguments)
    except ValueError:
        return False
