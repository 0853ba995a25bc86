"""Agents of LlamaIndex's workflows that stay inside their window, and the tool to look up what left."""

from llamaindex_compaction.agents.recall_tool import create_recall_tool

__all__ = ["create_recall_tool"]
