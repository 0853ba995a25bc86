"""The five kinds of content a message is made of: pure, frozen values."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal, cast

from context_compaction.errors import InvalidMessage

MediaKind = Literal["image", "audio", "video", "file"]


@dataclass(frozen=True, slots=True)
class TextBlock:
    """Plain text."""

    text: str


@dataclass(frozen=True, slots=True)
class ReasoningBlock:
    """A model's thinking, which it need not see again once the turn is over."""

    text: str
    signature: str | None = None
    """Opaque provider data that belongs to the text."""


@dataclass(frozen=True, slots=True)
class ToolCallBlock:
    """A model asks for a tool to be run."""

    id: str
    name: str
    arguments: str
    """JSON text, exactly as the model wrote it (it may be invalid)."""

    def parsed(self) -> dict[str, Any] | None:
        """The arguments as a dict; None when they are no JSON object, or one that is nested too deeply."""
        try:
            found = json.loads(self.arguments)
        except (ValueError, RecursionError):
            return None
        return cast("dict[str, Any]", found) if isinstance(found, dict) else None


@dataclass(frozen=True, slots=True)
class ToolResultBlock:
    """What a tool answered to the call ``call_id``."""

    call_id: str
    content: str
    name: str | None = None
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class MediaBlock:
    """An image, a sound, a video or a file, by value or by address."""

    kind: MediaKind
    data: str | None = None
    """Base64, without the ``data:`` header."""
    url: str | None = None
    mime: str | None = None
    detail: str | None = None
    """The provider's resolution hint (``low``, ``high``, ``auto``)."""


Block = TextBlock | ReasoningBlock | ToolCallBlock | ToolResultBlock | MediaBlock

_TYPES: dict[str, type[Block]] = {
    "text": TextBlock,
    "reasoning": ReasoningBlock,
    "tool_call": ToolCallBlock,
    "tool_result": ToolResultBlock,
    "media": MediaBlock,
}
_NAMES = {cls: name for name, cls in _TYPES.items()}


def block_to_json(block: Block) -> dict[str, Any]:
    """The block as JSON data; fields that are None or False are left out."""
    return {"type": _NAMES[type(block)], **said_in(block)}


def said_in(block: Block) -> dict[str, Any]:
    """Its fields by name, but for those that are None or False."""
    return {
        name: value
        for name in block.__slots__
        if (value := getattr(block, name)) is not None and value is not False
    }


def block_from_json(data: dict[str, Any]) -> Block:
    """The block that :func:`block_to_json` wrote. Raises `InvalidMessage` for anything else."""
    fields = dict(data)
    cls = _TYPES.get(fields.pop("type", ""))
    if cls is None:
        raise InvalidMessage(f"unknown block type {data.get('type')!r}; known are {', '.join(_TYPES)}")
    try:
        return cls(**fields)
    except TypeError as error:
        raise InvalidMessage(f"block {data.get('type')!r} has wrong fields: {error}") from None
