"""LlamaIndex's messages and the engine's, both ways, with nothing lost."""

from llamaindex_compaction.messages.reading import from_llamaindex, read_all
from llamaindex_compaction.messages.writing import to_llamaindex, write_all

__all__ = ["from_llamaindex", "read_all", "to_llamaindex", "write_all"]
