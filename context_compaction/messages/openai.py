"""OpenAI's chat format, both ways. Reading keeps the whole dict, so writing gives it back equal."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from context_compaction.errors import InvalidMessage
from context_compaction.messages.blocks import (
    Block,
    MediaBlock,
    ReasoningBlock,
    TextBlock,
    ToolCallBlock,
    ToolResultBlock,
)
from context_compaction.messages.message import ROLES, Message, Role

JsonDict = dict[str, Any]
_REASONING_KEYS = ("reasoning", "reasoning_content")
_WRITE = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
_TIME_KEYS = ("timestamp", "created_at", "created")


def read_openai(data: Mapping[str, Any]) -> Message:
    """One chat message as a `Message`. Raises `InvalidMessage` that says which key is wrong."""
    role, blocks = read_said(data)
    identity, name = data.get("id"), data.get("name")
    return Message(
        role=role,
        blocks=blocks,
        id=identity if isinstance(identity, str) and identity else None,
        name=name if isinstance(name, str) else None,
        timestamp=timestamp_in(data),
        raw=_dump(data),
    )


def timestamp_in(*fields: Mapping[str, Any]) -> str | float | None:
    """When a message was said, if its fields or those beside it tell under a usual key; the first that do."""
    known = (data.get(key) for data in fields for key in _TIME_KEYS)
    return next((at for at in known if isinstance(at, (str, int, float)) and not isinstance(at, bool)), None)


def read_said(data: Mapping[str, Any]) -> tuple[Role, tuple[Block, ...]]:
    """The role and the blocks of one chat message. Raises `InvalidMessage` as `read_openai` does."""
    if not isinstance(data, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidMessage(
            f"expected a dict in OpenAI's chat format or a Message, not {type(data).__name__}"
        )
    role = data.get("role")
    if role not in ROLES:
        raise InvalidMessage(f"unknown role {role!r}; use one of {', '.join(ROLES)}")
    blocks = _result_blocks(data) if role == "tool" else _plain_blocks(data)
    if not blocks:
        raise InvalidMessage(
            f"{role} message: content is missing or null, and there are no calls, reasoning or media"
        )
    return role, tuple(blocks)


def read_raw(text: str) -> Any:
    """The data of a message's ``raw``. Raises `InvalidMessage`."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidMessage(f"its raw is no JSON text: {error}") from None


def check_raw(message: Message) -> None:
    """Raise `InvalidMessage` for a message made by hand that says one thing and has another as its ``raw``.

    What is stored of such a message is its ``raw``.
    """
    if message.raw is None or message.edited or message.format != "openai":
        return
    data = read_raw(message.raw)
    try:
        told = read_said(data)
    except InvalidMessage as error:
        raise InvalidMessage(f"its raw is no message: {error.reason}") from None
    if told != (message.role, message.blocks):
        raise InvalidMessage(
            "its raw says something else than its role and blocks; leave raw out, or use Message.from_openai"
        )


def write_openai(message: Message) -> JsonDict:
    """The chat dict: the original one, or the blocks when the message was edited or made by hand."""
    base: JsonDict = json.loads(message.raw) if message.raw is not None and message.format == "openai" else {}
    if base and not message.edited:
        return base
    content = _content(message.blocks)
    for key in ("content", "tool_calls", "refusal", *_REASONING_KEYS):
        base.pop(key, None)
    out: JsonDict = {"role": message.role, **base, "content": content}
    if message.name and "name" not in out:
        out["name"] = message.name
    reasoning = "\n".join(block.text for block in message.blocks if isinstance(block, ReasoningBlock))
    if reasoning:
        out["reasoning"] = reasoning
    if message.tool_calls:
        out["tool_calls"] = [_call_dict(call) for call in message.tool_calls]
        out["content"] = content or None
    if message.tool_result is not None:
        out["tool_call_id"] = message.tool_result.call_id
        if message.tool_result.is_error:
            out["is_error"] = True
    return out


def _dump(data: Mapping[str, Any]) -> str:
    try:
        text = _WRITE(data)
        if _is_plain(data) or json.loads(text) == data:
            return text
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidMessage(f"not JSON: {error}") from None
    raise InvalidMessage("not JSON: it would come back different (tuples, non-string keys or the like)")


def _is_plain(data: object) -> bool:
    """Whether it is certain to come back equal, without reading it back."""
    kind = type(data)
    if kind is str:
        return cast("str", data).isascii()  # of others, lone surrogates that make a pair do not
    if kind is dict:
        fields = cast("dict[object, object]", data)
        return all(type(key) is str and key.isascii() for key in fields) and all(
            map(_is_plain, fields.values())
        )
    if kind is list:
        return all(map(_is_plain, cast("list[object]", data)))
    return data is None or kind in (bool, int, float)


def _result_blocks(data: Mapping[str, Any]) -> list[Block]:
    call_id = data.get("tool_call_id")
    if not isinstance(call_id, str) or not call_id:
        raise InvalidMessage("tool result without tool_call_id; it cannot be matched to its call")
    parts = _content_blocks(data.get("content"))
    if not parts and not isinstance(data.get("content"), (str, list)):
        return []
    text = "\n".join(block.text for block in parts if isinstance(block, TextBlock))
    name = data.get("name")
    result = ToolResultBlock(
        call_id, text, name if isinstance(name, str) else None, data.get("is_error") is True
    )
    return [result, *(block for block in parts if isinstance(block, MediaBlock))]


def _plain_blocks(data: Mapping[str, Any]) -> list[Block]:
    blocks: list[Block] = [
        ReasoningBlock(value) for key in _REASONING_KEYS if isinstance(value := data.get(key), str) and value
    ]
    blocks += _content_blocks(data.get("content"))
    if isinstance(data.get("content"), list) and not data["content"]:
        blocks.append(TextBlock(""))
    if isinstance(refusal := data.get("refusal"), str) and refusal:
        blocks.append(TextBlock(refusal))
    if isinstance(audio := data.get("audio"), Mapping):
        spoken = cast("Mapping[str, Any]", audio)
        blocks.append(
            MediaBlock("audio", data=_string(spoken.get("data")), mime=_string(spoken.get("format")))
        )
    calls: Any = data.get("tool_calls")
    if calls is None:
        return blocks
    if not isinstance(calls, list):
        raise InvalidMessage(f"tool_calls must be a list, not {type(calls).__name__}")
    return blocks + [_read_call(call) for call in cast("list[Any]", calls)]


def _read_call(call: Any) -> ToolCallBlock:
    if not isinstance(call, Mapping):
        raise InvalidMessage(f"tool call must be a dict, not {type(call).__name__}")
    data = cast("Mapping[str, Any]", call)
    held: Any = data.get("function") or data.get("custom")
    body = cast("Mapping[str, Any]", held if isinstance(held, Mapping) else {})
    call_id, name = data.get("id"), body.get("name")
    if not isinstance(call_id, str) or not call_id:
        raise InvalidMessage("tool call without id; its result could not be matched")
    if not isinstance(name, str):
        raise InvalidMessage(f"tool call {call_id!r} names no function")
    arguments: Any = body.get("arguments", body.get("input", ""))
    return ToolCallBlock(call_id, name, arguments if isinstance(arguments, str) else json.dumps(arguments))


def _content_blocks(content: Any) -> list[Block]:
    if content is None:
        return []
    if isinstance(content, str):
        return [TextBlock(content)]
    if not isinstance(content, list):
        raise InvalidMessage(
            f"content must be a string, a list of parts or null, not {type(content).__name__}"
        )
    return [_part(part) for part in cast("list[Any]", content)]


def _part(part: Any) -> Block:
    """One content part; a kind we do not know is shown to the engine as its JSON text."""
    if isinstance(part, str):
        return TextBlock(part)
    if not isinstance(part, Mapping):
        raise InvalidMessage(f"content part must be a dict or a string, not {type(part).__name__}")
    data = cast("Mapping[str, Any]", part)
    kind = data.get("type")
    if isinstance(text := data.get("text", data.get("refusal")), str):
        return TextBlock(text)
    if kind in ("thinking", "reasoning"):
        thought = data.get("thinking") or data.get("reasoning") or ""
        return ReasoningBlock(str(thought), _string(data.get("signature")))
    if kind == "image_url":
        image: Any = data.get("image_url")
        source = cast("Mapping[str, Any]", image if isinstance(image, Mapping) else {"url": image})
        return _media_from_url("image", _string(source.get("url")) or "", _string(source.get("detail")))
    if kind == "input_audio" and isinstance(audio := data.get("input_audio"), Mapping):
        heard = cast("Mapping[str, Any]", audio)
        return MediaBlock("audio", data=_string(heard.get("data")), mime=_string(heard.get("format")))
    if kind == "file" and isinstance(attached := data.get("file"), Mapping):
        held = cast("Mapping[str, Any]", attached)
        return _media_from_url(
            "file", _string(held.get("file_data")) or _string(held.get("file_id")) or "", None
        )
    return TextBlock(json.dumps(part, sort_keys=True))


def _media_from_url(kind: Any, url: str, detail: str | None) -> MediaBlock:
    if url.startswith("data:") and ";base64," in url:
        mime, data = url[5:].split(";base64,", 1)
        return MediaBlock(kind, data=data, mime=mime, detail=detail)
    return MediaBlock(kind, url=url, detail=detail)


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _content(blocks: Sequence[Block]) -> str | list[JsonDict]:
    if not any(isinstance(block, MediaBlock) for block in blocks):
        return "\n".join(
            block.text if isinstance(block, TextBlock) else block.content
            for block in blocks
            if isinstance(block, (TextBlock, ToolResultBlock))
        )
    parts: list[JsonDict] = []
    for block in blocks:
        if isinstance(block, TextBlock):
            parts.append({"type": "text", "text": block.text})
        elif isinstance(block, ToolResultBlock):
            parts.append({"type": "text", "text": block.content})
        elif isinstance(block, MediaBlock):
            parts.append(_media_part(block))
    return parts


def _media_part(block: MediaBlock) -> JsonDict:
    url = block.url or f"data:{block.mime or 'application/octet-stream'};base64,{block.data or ''}"
    if block.kind == "image":
        detail = {"detail": block.detail} if block.detail else {}
        return {"type": "image_url", "image_url": {"url": url, **detail}}
    if block.kind == "audio" and block.data is not None:
        return {"type": "input_audio", "input_audio": {"data": block.data, "format": block.mime or "wav"}}
    return {"type": "file", "file": {"file_data": url}}


def _call_dict(call: ToolCallBlock) -> JsonDict:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
