"""Reading the one message that stands for all that was compacted, and the recalled block (design §5)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tests.checker.problem import ChatMessage, role, text

OPENING = "<conversation_summary"
CLOSING = "</conversation_summary>"
RECALLED = "<recalled"
RECALLED_END = "</recalled>"
QUOTED = re.compile(r'<quoted_tool_result\b[^>]*\bref="m:(\d+)"')

_RANGE = re.compile(r"m:(\d+)(?:\s*-\s*m:(\d+))?")
_COVERS = re.compile(r'<summary\b[^<>]*\bcovers="([^"]*)"')
_PAYLOAD = re.compile(r"<(summary|pinned)\b.*?</\1>", re.DOTALL)
_GAP = re.compile(r"^\[(m:\d+(?:\s*-\s*m:\d+)?)\b", re.MULTILINE)
_ESCAPES = (("&lt;", "<"), ("&#91;", "["), ("&#123;", "{"), ("&#125;", "}"), ("&amp;", "&"))


def looks_compacted(message: ChatMessage) -> bool:
    """True for a user message with the form of a context message."""
    content = text(message).strip()
    return role(message) == "user" and content.startswith(OPENING) and content.endswith(CLOSING)


def looks_recalled(message: ChatMessage) -> bool:
    """True for a user message with the form of a recalled block."""
    content = text(message).strip()
    return role(message) == "user" and content.startswith(RECALLED) and content.endswith(RECALLED_END)


def is_context(message: ChatMessage, log: Sequence[ChatMessage]) -> bool:
    """True for a context message; a message of the log that merely looks like one is none."""
    return looks_compacted(message) and message not in log


def is_recalled(message: ChatMessage, log: Sequence[ChatMessage]) -> bool:
    """True for a recalled block; a message of the log that merely looks like one is none."""
    return looks_recalled(message) and message not in log


def named(content: str, log_length: int) -> set[int]:
    """Every sequence number that the context message names as compacted.

    Only its own words count, what a summary covers and the gap lines: a payload cannot name anything.
    """
    places = [*_COVERS.findall(content), *_GAP.findall(_PAYLOAD.sub("", content))]
    found: set[int] = set()
    for first, last in _RANGE.findall(" ".join(places)):
        found.update(range(int(first), min(int(last or first), log_length) + 1))
    return found


def unescape(content: str) -> str:
    """The payload as it was before delimiters and templates in it were escaped."""
    for escaped, plain in _ESCAPES:
        content = content.replace(escaped, plain)
    return content
