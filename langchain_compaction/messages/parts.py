"""Content parts of a LangChain message as blocks: every provider's way to write the same five things."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any, cast

from context_compaction import MediaBlock, ReasoningBlock, TextBlock

Part = str | dict[str, Any]
PlainBlock = TextBlock | ReasoningBlock | MediaBlock
_CALLS = (
    "tool_use",
    "tool_call",
    "function_call",
    "input_json_delta",
    "tool_call_chunk",
    "invalid_tool_call",
)
_MEDIA = {
    "image": "image",
    "image_url": "image",
    "input_image": "image",
    "audio": "audio",
    "input_audio": "audio",
    "video": "video",
    "file": "file",
    "input_file": "file",
    "document": "file",
    "media": "file",
}
_LONG = 1000
"""Characters of a value without spaces that is taken for encoded bytes, in a part of an unknown kind."""


def block_of(part: Any, call_ids: Collection[str]) -> PlainBlock | None:
    """The block that a part is for the engine; None for a call that the message's ``tool_calls`` hold, too.

    A kind that is not known is shown to the engine as its JSON text; the message itself keeps it as it is.
    """
    if isinstance(part, str):
        return TextBlock(part)
    data = cast("Mapping[str, Any]", part)
    kind = _text(data, "type")
    if kind in _CALLS and _call_id(data) in call_ids:
        return None
    if kind in ("thinking", "redacted_thinking", "reasoning", "reasoning_content"):
        return _reasoning(data)
    if kind in _MEDIA and (media := _media(_MEDIA[kind], data)) is not None:
        return media
    if isinstance(text := data.get("text"), str):
        return TextBlock(text)
    return _unknown(data)


def part_of(block: PlainBlock) -> Part:
    """A standard content block that `block_of` reads as this block."""
    if isinstance(block, TextBlock):
        return {"type": "text", "text": block.text}
    if isinstance(block, ReasoningBlock):
        extras = {"extras": {"signature": block.signature}} if block.signature is not None else {}
        return {"type": "reasoning", "reasoning": block.text, **extras}
    source = {"base64": block.data} if block.data is not None else {"url": block.url or ""}
    rest = {"mime_type": block.mime, "detail": block.detail}
    return {"type": block.kind, **source, **{key: value for key, value in rest.items() if value is not None}}


def _call_id(data: Mapping[str, Any]) -> str:
    return str(data.get("call_id") or data.get("id") or "")


def _reasoning(data: Mapping[str, Any]) -> ReasoningBlock:
    held: Any = data.get("reasoning_content")
    source = cast("Mapping[str, Any]", held) if isinstance(held, Mapping) else data
    extras: Any = data.get("extras")
    signature = source.get("signature") or data.get("data") or data.get("encrypted_content")
    if signature is None and isinstance(extras, Mapping):
        signature = cast("Mapping[str, Any]", extras).get("signature")
    text = source.get("thinking") or source.get("reasoning") or source.get("text") or _summary(data)
    return ReasoningBlock(str(text), signature if isinstance(signature, str) else None)


def _summary(data: Mapping[str, Any]) -> str:
    """OpenAI's Responses API gives reasoning as a list of summaries."""
    parts: Any = data.get("summary")
    if not isinstance(parts, list):
        return ""
    found = cast("list[Any]", parts)
    return "\n".join(str(cast("Any", part).get("text", "")) for part in found if isinstance(part, Mapping))


def _media(kind: Any, data: Mapping[str, Any]) -> MediaBlock | None:
    """By value or address, wherever the provider puts it; None when there is neither."""
    held: Any = next(
        (data[key] for key in ("source", "image_url", "input_audio", "file", kind) if key in data), data
    )
    source = cast("Mapping[str, Any]", held if isinstance(held, Mapping) else {"url": held})
    inner: Any = source.get("source")
    if isinstance(inner, Mapping):  # Bedrock: {"image": {"format": "png", "source": {"bytes": ...}}}
        source = {**source, **cast("Mapping[str, Any]", inner)}
    mime = _text(source, "mime_type", "media_type", "format") or _text(data, "mime_type")
    detail = _text(source, "detail") or _text(data, "detail")
    payload: Any = next(
        (source[key] for key in ("base64", "data", "file_data", "bytes") if key in source), None
    )
    if isinstance(payload, bytes):
        payload = _encoded(payload)
    url = _text(source, "url", "file_id", "file_uri", "uri", "id") or ""
    for text in (payload, url):
        if isinstance(text, str) and text.startswith("data:") and ";base64," in text:
            head, body = text[5:].split(";base64,", 1)
            return MediaBlock(kind, data=body, mime=head, detail=detail)
    if isinstance(payload, str) and source.get("type") != "text":
        return MediaBlock(kind, data=payload, mime=mime, detail=detail)
    return MediaBlock(kind, url=url, mime=mime, detail=detail) if url else None


def _text(data: Mapping[str, Any], *keys: str) -> str | None:
    return next((value for key in keys if isinstance(value := data.get(key), str)), None)


def _encoded(payload: bytes) -> str:
    import base64

    return base64.b64encode(payload).decode("ascii")


def _unknown(data: Mapping[str, Any]) -> PlainBlock:
    """Encoded bytes must not be counted as text, whatever they are wrapped in."""
    found = next(_payloads(data), None)
    if found is not None:
        return MediaBlock("file", data=found)
    return TextBlock(json.dumps(data, sort_keys=True, default=repr))


def _payloads(value: Any) -> Any:
    if isinstance(value, bytes):
        yield _encoded(value)
    elif isinstance(value, str) and len(value) >= _LONG and not any(map(str.isspace, value)):
        yield value
    elif isinstance(value, Mapping):
        for part in cast("Mapping[str, Any]", value).values():
            yield from _payloads(part)
    elif isinstance(value, list):
        for part in cast("list[Any]", value):
            yield from _payloads(part)
