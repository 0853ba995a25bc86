"""LangChain's face of context-compaction: middleware, memory, history, LCEL step, retriever, recall tool.

Names are loaded when they are first used.
"""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from context_compaction.lazily import lazily as _lazily

if _TYPE_CHECKING:
    from langchain_compaction.agents import (
        CompactionMiddleware,
        CompactionNode,
        create_compact_tool,
        create_recall_tool,
    )
    from langchain_compaction.counting import LangChainCounter, as_token_counter, counter_of
    from langchain_compaction.drafting import ChatModelDrafter
    from langchain_compaction.errors import (
        AmbiguousKeys,
        MissingKey,
        MissingPackage,
        MissingSessionId,
        MissingWindow,
        NotMessages,
        TwoCompactions,
    )
    from langchain_compaction.history import CompactionChatMessageHistory
    from langchain_compaction.importing import import_checkpoints, import_history, import_sql_histories
    from langchain_compaction.memory import ConversationCompactionMemory
    from langchain_compaction.messages import from_langchain, to_langchain
    from langchain_compaction.retriever import ArchiveRetriever
    from langchain_compaction.sessions import Sessions
    from langchain_compaction.step import compact_messages
    from langchain_compaction.summarizer import as_summarizer
    from langchain_compaction.wrapper import RunnableWithCompaction

__all__ = [
    "AmbiguousKeys",
    "ArchiveRetriever",
    "ChatModelDrafter",
    "CompactionChatMessageHistory",
    "CompactionMiddleware",
    "CompactionNode",
    "ConversationCompactionMemory",
    "LangChainCounter",
    "MissingKey",
    "MissingPackage",
    "MissingSessionId",
    "MissingWindow",
    "NotMessages",
    "RunnableWithCompaction",
    "Sessions",
    "TwoCompactions",
    "as_summarizer",
    "as_token_counter",
    "compact_messages",
    "counter_of",
    "create_compact_tool",
    "create_recall_tool",
    "from_langchain",
    "import_checkpoints",
    "import_history",
    "import_sql_histories",
    "to_langchain",
]

_WHERE = {
    "agents": "CompactionMiddleware CompactionNode create_compact_tool create_recall_tool",
    "counting": "LangChainCounter as_token_counter counter_of",
    "drafting": "ChatModelDrafter",
    "errors": (
        "AmbiguousKeys MissingKey MissingPackage MissingSessionId MissingWindow NotMessages TwoCompactions"
    ),
    "history": "CompactionChatMessageHistory",
    "importing": "import_checkpoints import_history import_sql_histories",
    "memory": "ConversationCompactionMemory",
    "messages": "from_langchain to_langchain",
    "retriever": "ArchiveRetriever",
    "sessions": "Sessions",
    "step": "compact_messages",
    "summarizer": "as_summarizer",
    "wrapper": "RunnableWithCompaction",
}
"""By module, the public names that it defines."""

__getattr__, __dir__ = _lazily(__name__, _WHERE, __all__)
