"""What every rule of the judge returns, and the words all rules share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

ChatMessage: TypeAlias = Mapping[str, Any]
"""One message in OpenAI's chat format, with whatever further keys its source gave it."""

CountList: TypeAlias = Callable[[Sequence[ChatMessage]], int]
"""Tokens of a whole list of messages."""

HEAD_ROLES = ("system", "developer")


@dataclass(frozen=True, slots=True)
class Problem:
    """One broken rule: its name, the place, and what was seen there."""

    rule: str
    where: str
    what: str


def role(message: ChatMessage) -> str:
    """The message's role, empty if it has none."""
    return str(message.get("role") or "")


def text(message: ChatMessage) -> str:
    """All text of the message's content, whether a string or a list of parts."""
    content = message.get("content")
    if not isinstance(content, list):
        return content if isinstance(content, str) else ""
    parts = cast("list[object]", content)
    return "\n".join(_part_text(part) for part in parts)


def calls(message: ChatMessage) -> list[ChatMessage]:
    """The tool calls of an assistant message, in order."""
    found = message.get("tool_calls")
    return cast("list[ChatMessage]", found) if isinstance(found, list) else []


def call_id(call: ChatMessage) -> str:
    """The id by which a result names this call."""
    return str(call.get("id") or "")


def function(call: ChatMessage) -> ChatMessage:
    """The function part of a call: its name and arguments."""
    found = call.get("function")
    return cast("ChatMessage", found) if isinstance(found, Mapping) else {}


def excerpt(message: ChatMessage, limit: int = 60) -> str:
    """Role and first words, for a problem's text."""
    return f"{role(message)}: {text(message)[:limit]!r}"


def _part_text(part: object) -> str:
    if not isinstance(part, Mapping):
        return str(part)
    found = cast("ChatMessage", part).get("text")
    return found if isinstance(found, str) else ""
