"""A message less what is plainly quoted in it; in doubt nothing is. For pins `own_words` is stricter."""

from __future__ import annotations

import re

_FENCED = re.compile(r"^[ \t]{0,12}(```|~~~).*?(?:^[ \t]{0,12}\1[^\n]*$|\Z)", re.MULTILINE | re.DOTALL)
_BLOCK_QUOTE = re.compile(r"^[ \t]{0,12}>[^\n]*$", re.MULTILINE)
_OURS = re.compile(r"<(/?)(conversation_summary|summary|pinned|recalled|quoted_tool_result)\b[^<>]{0,400}>")


def unquoted(text: str) -> str:
    """The text less code blocks, block quotes, and what stands between tags of our own context message.

    A tag that is never closed takes the rest along. Linear in the text.
    """
    if "```" in text or "~~~" in text:
        text = _FENCED.sub("", text)
    if ">" in text:
        text = _BLOCK_QUOTE.sub("", _outside_ours(text))
    return text


def _outside_ours(text: str) -> str:
    kept: list[str] = []
    depth = start = 0
    for tag in _OURS.finditer(text):
        closing = bool(tag.group(1))
        if depth == 0:
            kept.append(text[start : tag.start()])
        depth = max(0, depth - 1) if closing else depth + 1
        start = tag.end()
    return "".join(kept) if depth else "".join((*kept, text[start:]))
