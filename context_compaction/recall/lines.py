"""All that a message says as one text, the same for whoever reads it in lines or in parts."""

from __future__ import annotations

from collections.abc import Iterator

from context_compaction.messages import MediaBlock, Message, ReasoningBlock, TextBlock, ToolCallBlock


def said_in(message: Message) -> str:
    """Text, reasoning, calls as ``name(arguments)`` and results, one below the other."""
    return "\n".join(_texts(message))


def _texts(message: Message) -> Iterator[str]:
    for block in message.blocks:
        if isinstance(block, (TextBlock, ReasoningBlock)):
            yield block.text
        elif isinstance(block, ToolCallBlock):
            yield f"{block.name}({block.arguments})"
        elif not isinstance(block, MediaBlock):
            yield block.content
