"""LangChain's messages and the engine's, both ways, with nothing lost."""

from langchain_compaction.messages.reading import from_langchain, read_all
from langchain_compaction.messages.writing import to_langchain, write_all

__all__ = ["from_langchain", "read_all", "to_langchain", "write_all"]
