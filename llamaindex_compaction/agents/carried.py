"""What a model call carries beside the conversation, in tokens: prompt and tool schemas."""

from __future__ import annotations

import json
from collections.abc import Sequence

from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.tools import BaseTool

from context_compaction import TokenCounter
from llamaindex_compaction.messages import read_all

TOOL_TOKENS = 12
"""Envelope of one tool beyond its schema; providers differ."""


def carried(prompt: Sequence[ChatMessage], tools: Sequence[BaseTool], counter: TokenCounter) -> int:
    """Tokens of these messages, and of the tools as schemas."""
    return counter.messages(read_all(prompt)) + sum(_tool(tool, counter) for tool in tools)


def _tool(tool: BaseTool, counter: TokenCounter) -> int:
    schema = tool.metadata.to_openai_tool(skip_length_check=True)
    return TOOL_TOKENS + counter.text(json.dumps(schema, default=repr))
