"""From LlamaIndex's messages to the engine's."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.base.llms.types import TextBlock as LITextBlock
from llama_index.core.base.llms.types import ToolCallBlock as LICallBlock

from context_compaction import InvalidMessage, Message, TextBlock, ToolResultBlock
from context_compaction.faces import timestamp_in
from llamaindex_compaction.messages.calls import calls_of
from llamaindex_compaction.messages.kinds import FORMAT, NO_CALL, RESULT_KEYS, ROLES
from llamaindex_compaction.messages.parts import blocks_of
from llamaindex_compaction.messages.records import CODEC


def from_llamaindex(message: ChatMessage) -> Message:
    """The engine's message for one of LlamaIndex's; `to_llamaindex` gives it back equal.

    A result that names no call is kept as one that answers none. Raises `InvalidMessage` for what is no
    chat message, or holds a file that cannot be read.
    """
    if not isinstance(message, ChatMessage):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidMessage(f"expected a LlamaIndex ChatMessage, not {type(message).__name__}")
    kwargs = message.additional_kwargs
    name = kwargs.get("name")
    return Message(
        role=_role(message),
        blocks=_blocks(message),
        name=name if isinstance(name, str) and name else None,
        timestamp=timestamp_in(kwargs),
        raw=_raw(message),
        format=FORMAT,
    )


def read_all(messages: Iterable[ChatMessage]) -> list[Message]:
    """All of them. Raises `InvalidMessage` with the index of the first that cannot be read."""
    out: list[Message] = []
    for index, message in enumerate(messages):
        try:
            out.append(from_llamaindex(message))
        except InvalidMessage as error:
            raise InvalidMessage(error.reason, index) from None
    return out


def _role(message: ChatMessage) -> Any:
    """Calls are an assistant's, whoever is said to have made them."""
    role = ROLES[message.role]
    return "assistant" if role != "tool" and calls_of(message) else role


def _blocks(message: ChatMessage) -> list[Any]:
    if ROLES[message.role] == "tool":
        return _result(message)
    calls = calls_of(message)
    places = iter(calls)
    out: list[Any] = []
    for block in message.blocks:
        out += [next(places)] if isinstance(block, LICallBlock) else blocks_of(block)
    return [*out, *places] or [TextBlock("")]


def _result(message: ChatMessage) -> list[Any]:
    kwargs = message.additional_kwargs
    named = (value for key in RESULT_KEYS if isinstance(value := kwargs.get(key), str) and value)
    call_id = next(named, NO_CALL)
    found = [part for block in message.blocks for part in blocks_of(block)]
    text = "\n".join(part.text for part in found if isinstance(part, TextBlock))
    name = kwargs.get("name")
    result = ToolResultBlock(call_id, text, name if isinstance(name, str) and name else None)
    return [result, *(part for part in found if not isinstance(part, TextBlock))]


def _raw(message: ChatMessage) -> str:
    """What the blocks do not say. Text alone is theirs, and is not written twice."""
    data: dict[str, Any] = {"role": message.role.value, "additional_kwargs": message.additional_kwargs}
    texts = [type(block) is LITextBlock for block in message.blocks]
    if not all(texts) or not texts or (len(texts) > 1 and ROLES[message.role] == "tool"):
        data["blocks"] = message.blocks
    return json.dumps(CODEC.write(data), separators=(",", ":"))
