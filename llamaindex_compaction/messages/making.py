"""A LlamaIndex message for one that came from elsewhere, made from its blocks."""

from __future__ import annotations

from typing import Any

from llama_index.core.base.llms.types import ChatMessage, MessageRole
from llama_index.core.base.llms.types import TextBlock as LITextBlock
from llama_index.core.base.llms.types import ToolCallBlock as LICallBlock

from context_compaction import Message, TextBlock, ToolCallBlock, ToolResultBlock
from llamaindex_compaction.messages.parts import block_for


def made(message: Message) -> ChatMessage:
    """Reads back as the same blocks. Only keys that providers take are in ``additional_kwargs``."""
    kwargs: dict[str, Any] = {}
    result = message.tool_result
    if result is not None:
        kwargs["tool_call_id"] = result.call_id
    name = message.name or (result.name if result is not None else None)
    if name:
        kwargs["name"] = name
    blocks = [made_block(block) for block in message.blocks]
    return ChatMessage.model_construct(
        role=MessageRole(message.role), additional_kwargs=kwargs, blocks=blocks
    )


def made_block(block: Any) -> Any:
    """The content block for one of the engine's."""
    if isinstance(block, ToolCallBlock):
        arguments = block.parsed()
        return LICallBlock(
            tool_call_id=block.id,
            tool_name=block.name,
            tool_kwargs=block.arguments if arguments is None else arguments,
        )
    if isinstance(block, ToolResultBlock):
        return LITextBlock(text=block.content)
    return block_for(block)


def texts_of(message: Message) -> list[LITextBlock]:
    """The text blocks of a message that has nothing else."""
    return [
        LITextBlock(text=block.text if isinstance(block, TextBlock) else block.content)
        for block in message.blocks
        if isinstance(block, (TextBlock, ToolResultBlock))
    ]
