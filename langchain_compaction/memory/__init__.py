"""A memory for LangChain's chains that shows a budget's worth and loses nothing."""

from langchain_compaction.memory.memory import ConversationCompactionMemory

__all__ = ["ConversationCompactionMemory"]
