"""Text that is shown inside our own message must not be able to end it, open one, or act as a template."""

from __future__ import annotations

import re

from context_compaction.messages import MediaBlock, Message, TextBlock, ToolResultBlock

_TAGS = "conversation_summary|recalled|quoted_tool_result|pinned|summary"
_ENTITY = re.compile(r"&(?=(?:amp|lt|#91|#123|#125);)")
_MARKER = re.compile(rf"<(?=\s*/?\s*(?:{_TAGS})\b)", re.IGNORECASE)
_TEMPLATE = re.compile(r"\{{1,8}[\w.\[\]!]{0,64}\}{1,8}")
_ESCAPED = re.compile(r"&(amp|lt|#91|#123|#125);")
_CHARS = {"amp": "&", "lt": "<", "#91": "[", "#123": "{", "#125": "}"}


def escape(text: str) -> str:
    """Payload text for our own message: look-alikes of our markers and ``{templates}`` become entities."""
    text = _ENTITY.sub("&amp;", text)
    text = _MARKER.sub("&lt;", text)
    return _TEMPLATE.sub(lambda m: m.group().replace("{", "&#123;").replace("}", "&#125;"), text)


def unescape(text: str) -> str:
    """What `escape` was given."""
    return _ESCAPED.sub(lambda m: _CHARS[m.group(1)], text)


def quoted_result(message: Message, seq: int, *, references: bool = True) -> Message:
    """How a tool result without an open call is shown: quoted in a user-role message."""
    result = message.tool_result
    if result is None:
        raise ValueError("only a tool message can be quoted as a result")
    ref = f' ref="m:{seq}"' if references else ""
    name = f' tool="{label(result.name)}"' if result.name else ""
    text = f"<quoted_tool_result{ref}{name}>\n{escape(result.content)}\n</quoted_tool_result>"
    media = tuple(block for block in message.blocks if isinstance(block, MediaBlock))
    return Message("user", (TextBlock(text), *media), id=message.id)


def synthetic_result(call_id: str) -> Message:
    """What stands behind a call that nobody answered before the conversation went on."""
    return Message(
        "tool", (ToolResultBlock(call_id, "[no result: the call was not answered]", is_error=True),)
    )


def label(value: str) -> str:
    """A name as it may stand in a mark of ours."""
    return re.sub(r'[<>"&{}\[\]\s]', "_", value)[:80]
