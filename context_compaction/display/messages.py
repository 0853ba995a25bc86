"""How messages, and lists of them, are shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from context_compaction.display.html import Html, joined, tag
from context_compaction.display.parts import frame, passage, title
from context_compaction.messages import (
    Block,
    MediaBlock,
    Message,
    ReasoningBlock,
    TextBlock,
    ToolCallBlock,
)

HEAD, TAIL = 12, 48
"""Messages of a long list that are shown: from its beginning, and up to its end."""
COLOURS = {"user": "kept", "assistant": "good", "tool": "edited", "system": "summarised"}


def message_html(message: Message) -> str:
    """One message."""
    return frame(f"a {message.role} message", tag("ul", turn(message)))


def list_html(messages: Sequence[Message]) -> str:
    """A list: who said what, in order; of a long one the beginning and the end."""
    roles = Counter(message.role for message in messages)
    parts = ", ".join(f"{count} {role}" for role, count in roles.most_common())
    edited = sum(message.edited for message in messages)
    notes = [parts, f"{edited} edited" if edited else ""]
    count = len(messages)
    if count <= HEAD + TAIL:
        rows = [turn(message) for message in messages]
    else:
        left_out = tag("li", f"… {count - HEAD - TAIL} messages in between …", class_="turn dim")
        rows = [*map(turn, messages[:HEAD]), left_out, *map(turn, messages[-TAIL:])]
    head = title("Messages", str(count), *notes)
    return frame(f"{count} messages", head, tag("ul", *rows) if rows else "nothing has been said")


def turn(message: Message) -> Html:
    """One row: the role beside what was said."""
    context = message.is_context
    role = tag("b", message.role, style=f"color:var(--{COLOURS.get(message.role, 'archived')})")
    about = [message.name or "", "context message" if context else "", "edited" if message.edited else ""]
    notes = [tag("div", note, class_="dim", dir="auto") for note in about if note]
    return tag("li", tag("div", role, *notes), tag("div", *(map(_block, message.blocks))), class_="turn")


def _block(block: Block) -> Html:
    match block:
        case TextBlock():
            return passage(block.text)
        case ReasoningBlock():
            return tag("details", tag("summary", "reasoning", class_="dim"), passage(block.text))
        case ToolCallBlock():
            call = tag("code", "→ ", block.name, dir="auto")
            return joined(tag("div", call), passage(block.arguments, 200))
        case MediaBlock():
            size = f", {len(block.data):,} characters of base64" if block.data else ""
            return tag(
                "div", f"[{block.kind}", f" {block.mime}" if block.mime else "", size, "]", class_="dim"
            )
        case _:
            failed = tag("div", "error", style="color:var(--budget)") if block.is_error else ""
            return joined(failed, passage(block.content, 300))
