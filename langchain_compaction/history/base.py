"""LangChain's base class of chat message histories while it exists; it goes with langchain-core 2."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from langchain_core.chat_history import BaseChatMessageHistory as HistoryBase
else:
    try:
        # Only upstream's own classes warn when they are used, not what is derived from them.
        from langchain_core.chat_history import BaseChatMessageHistory as HistoryBase
    except ImportError:
        HistoryBase = object

__all__ = ["HistoryBase"]
