"""What is said: messages, their blocks, and the OpenAI chat format both ways."""

from context_compaction.messages.blocks import (
    Block,
    MediaBlock,
    ReasoningBlock,
    TextBlock,
    ToolCallBlock,
    ToolResultBlock,
)
from context_compaction.messages.lists import MessageList
from context_compaction.messages.message import ROLES, Message, Role, context_id, quotable, recalled_id
from context_compaction.messages.shown import Shown

__all__ = [
    "ROLES",
    "Block",
    "MediaBlock",
    "Message",
    "MessageList",
    "ReasoningBlock",
    "Role",
    "Shown",
    "TextBlock",
    "ToolCallBlock",
    "ToolResultBlock",
    "context_id",
    "quotable",
    "recalled_id",
]
