"""`CompactingFunctionAgent`: LlamaIndex's FunctionAgent, inside its window."""

from __future__ import annotations

from llama_index.core.agent.workflow import FunctionAgent

from llamaindex_compaction.agents.mixin import CompactionMixin


class CompactingFunctionAgent(CompactionMixin, FunctionAgent):
    """A FunctionAgent whose turns may be as long as they like."""
