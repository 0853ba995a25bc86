"""`CompactionChatMessageHistory`: a chat message history that fits the budget and keeps the originals."""

from langchain_compaction.history.history import CompactionChatMessageHistory

__all__ = ["CompactionChatMessageHistory"]
