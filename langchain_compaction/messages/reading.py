"""From LangChain's messages to the engine's."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, cast

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    BaseMessageChunk,
    ChatMessage,
    FunctionMessage,
    RemoveMessage,
    ToolMessage,
    message_chunk_to_message,
)

from context_compaction import (
    InvalidMessage,
    Message,
    ReasoningBlock,
    TextBlock,
    ToolCallBlock,
    ToolResultBlock,
)
from context_compaction.faces import timestamp_in
from langchain_compaction.messages.kinds import (
    CHAT_ROLES,
    CLASSES,
    FORMAT,
    OPENAI_ROLE,
    ROLES,
    STANDS_FOR,
    function_call_id,
)
from langchain_compaction.messages.parts import PlainBlock, block_of
from langchain_compaction.messages.plain import to_plain

# Made once: `json.dumps` makes an encoder at each call.
_raw_json = json.JSONEncoder(separators=(",", ":")).encode
_arguments_json = json.JSONEncoder(default=repr).encode


def from_langchain(message: BaseMessage) -> Message:
    """The engine's message for one of LangChain's; `to_langchain` gives it back equal.

    A chunk is taken as the whole message that it adds up to. Raises `InvalidMessage` for what is nothing
    that was said: a `RemoveMessage`, another class, another type.
    """
    if not isinstance(message, BaseMessage):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidMessage(f"expected a LangChain message, not {type(message).__name__}")
    if isinstance(message, RemoveMessage):
        raise InvalidMessage("a RemoveMessage says nothing; apply it to your list and sync that")
    if isinstance(message, BaseMessageChunk):
        message = message_chunk_to_message(message)
    if CLASSES.get(message.type) is None:
        raise InvalidMessage(
            f"a {type(message).__name__} of type {message.type!r} is none of LangChain's own classes; "
            f"the types are {', '.join(CLASSES)}"
        )
    return Message(
        role=_role(message),
        blocks=tuple(_blocks(message)),
        id=message.additional_kwargs.get(STANDS_FOR) or message.id or None,
        name=message.name,
        timestamp=timestamp_in(message.additional_kwargs, message.response_metadata),
        raw=_raw(message),
        format=FORMAT,
    )


def read_all(messages: Iterable[BaseMessage]) -> list[Message]:
    """All of them. Raises `InvalidMessage` with the index of the first that cannot be read."""
    out: list[Message] = []
    for index, message in enumerate(messages):
        try:
            out.append(from_langchain(message))
        except InvalidMessage as error:
            raise InvalidMessage(error.reason, index) from None
    return out


def call_ids(message: AIMessage) -> frozenset[str]:
    """The ids of its calls, valid or not."""
    return frozenset(call["id"] for call in (*message.tool_calls, *message.invalid_tool_calls) if call["id"])


def plain_fields(message: BaseMessage) -> dict[str, Any]:
    """Every field by name, extra ones too, as they are."""
    fields = {name: getattr(message, name) for name in _names(type(message))}
    return fields | (message.__pydantic_extra__ or {})


@lru_cache(maxsize=64)
def _names(kind: type[BaseMessage]) -> tuple[str, ...]:
    """Of its fields: pydantic takes longer to say them than all of them to be read."""
    return tuple(kind.model_fields)


def _role(message: BaseMessage) -> Any:
    if isinstance(message, ChatMessage):
        return CHAT_ROLES.get(message.role.lower(), "user")
    if message.type == "system" and message.additional_kwargs.get(OPENAI_ROLE) == "developer":
        return "developer"
    return ROLES[message.type]


def _raw(message: BaseMessage) -> str:
    """What the blocks do not say. Text content is theirs, and is not written twice."""
    data = plain_fields(message)
    if isinstance(data["content"], str):
        del data["content"]
    return _raw_json({"type": message.type, "data": to_plain(data)})


def _blocks(message: BaseMessage) -> Iterator[Any]:
    if isinstance(message, (ToolMessage, FunctionMessage)):
        yield from _result(message)
        return
    calls = _calls(message) if isinstance(message, AIMessage) else []
    said = list(_said(message))
    if not (said or calls):
        said = [TextBlock("")]
    yield from said
    yield from calls


def _said(message: BaseMessage) -> Iterator[PlainBlock]:
    """Thinking and content. No text beside calls is no block, as chat formats write null there."""
    thought = message.additional_kwargs.get("reasoning_content")
    if isinstance(thought, str) and thought and isinstance(message, AIMessage):
        yield ReasoningBlock(thought)
    if isinstance(message.content, str):
        if message.content:
            yield TextBlock(message.content)
        return
    known = call_ids(message) if isinstance(message, AIMessage) else frozenset[str]()
    blocks = (block_of(part, known) for part in message.content)
    yield from (block for block in blocks if block is not None)


def _result(message: ToolMessage | FunctionMessage) -> Iterator[Any]:
    if isinstance(message, ToolMessage):
        call_id, is_error = message.tool_call_id, message.status == "error"
    else:
        call_id, is_error = function_call_id(message.name), False
    if not call_id:
        raise InvalidMessage("tool message without tool_call_id; it cannot be matched to its call")
    text, rest = message.content, list[PlainBlock]()
    if not isinstance(text, str):
        found = list(_said(message))
        text = "\n".join(block.text for block in found if isinstance(block, TextBlock))
        rest = [block for block in found if not isinstance(block, TextBlock)]
    yield ToolResultBlock(call_id, text, message.name, is_error)
    yield from rest


def _calls(message: AIMessage) -> list[ToolCallBlock]:
    """Calls that can be answered; one without an id stays what it is in the message, and is text here."""
    written = _as_written(message)
    calls: list[ToolCallBlock] = []
    for call in message.tool_calls:
        if call["id"]:
            text = _arguments_json(call["args"])
            raw = written.get(call["id"])
            calls.append(ToolCallBlock(call["id"], call["name"], raw if raw and _same(raw, text) else text))
    calls += [
        ToolCallBlock(invalid["id"], invalid["name"] or "", invalid["args"] or "")
        for invalid in message.invalid_tool_calls
        if invalid["id"]
    ]
    if calls and all(call.id in written for call in calls):
        # LangChain keeps valid and invalid ones apart; the provider's list has them in order.
        order = list(written)
        calls.sort(key=lambda call: order.index(call.id))
    function: Any = message.additional_kwargs.get("function_call")
    if isinstance(function, Mapping) and not (message.tool_calls or message.invalid_tool_calls):
        held = cast("Mapping[str, Any]", function)
        name = str(held.get("name", ""))
        calls.append(ToolCallBlock(function_call_id(name), name, str(held.get("arguments", ""))))
    return calls


def _as_written(message: AIMessage) -> dict[str, str]:
    """Arguments by call id as the provider wrote them, where LangChain kept that."""
    raw: Any = message.additional_kwargs.get("tool_calls")
    found: dict[str, str] = {}
    for call in cast("list[Any]", raw) if isinstance(raw, list) else []:
        body: Any = cast("Any", call).get("function") if isinstance(call, Mapping) else None
        text: Any = cast("Any", body).get("arguments") if isinstance(body, Mapping) else None
        if isinstance(text, str):
            found[str(cast("Any", call).get("id"))] = text
    return found


def _same(text: str, arguments: str) -> bool:
    try:
        return json.dumps(json.loads(text)) == arguments
    except ValueError:
        return False
