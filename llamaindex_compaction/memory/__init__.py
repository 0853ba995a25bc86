"""A memory for LlamaIndex's agents and chat engines that shows a budget's worth and loses nothing."""

from llamaindex_compaction.memory.memory import CompactionMemory

__all__ = ["CompactionMemory"]
