"""Agents of LlamaIndex's workflows that stay inside their window, and the tool to look up what left."""

from llamaindex_compaction.agents.codeact import CompactingCodeActAgent
from llamaindex_compaction.agents.function import CompactingFunctionAgent
from llamaindex_compaction.agents.mixin import CompactionMixin
from llamaindex_compaction.agents.react import CompactingReActAgent
from llamaindex_compaction.agents.recall_tool import create_recall_tool

__all__ = [
    "CompactingCodeActAgent",
    "CompactingFunctionAgent",
    "CompactingReActAgent",
    "CompactionMixin",
    "create_recall_tool",
]
