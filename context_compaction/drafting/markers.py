"""Marks that could end quoted data: the delimiters of our prompts, and those of chat templates."""

from __future__ import annotations

import re

_UNSEEN = r"[\s\u200b-\u200f\u2060\ufeff]{0,20}"
DELIMITER = re.compile(
    rf"[<\uff1c\ufe64](?={_UNSEEN}/?{_UNSEEN}(?:transcript|earlier_summary|message)\b)", re.IGNORECASE
)
"""The first sign of a delimiter, or of what a careless reader takes for one."""
CHAT_MARKER = re.compile(
    r"<[|\uff5c][^<>|\uff5c\s]{1,40}[|\uff5c]>"  # <|im_end|>, <|eot_id|>, and with wide bars
    r"|</?s>|<</?SYS>>|<(?:bos|eos|pad|unk)>|<(?:start|end)_of_(?:turn|image)>"
    r"|\[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\]"
)
"""What chat templates put between messages. Some servers read it as such wherever it stands."""
_ENTITIES = {"<": "&lt;", "[": "&#91;"}


def quoted(text: str) -> str:
    """The text with entities in the place of such marks' first sign: it can end nothing."""
    text = CHAT_MARKER.sub(lambda found: _ENTITIES[found.group()[0]] + found.group()[1:], text)
    return DELIMITER.sub("&lt;", text)


def label(name: str, limit: int = 80) -> str:
    """A name on one line: nothing in it can end a header, a line or a tag."""
    return re.sub(r"[<>|\s]+", " ", name).strip()[:limit]
