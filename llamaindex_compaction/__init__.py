"""LlamaIndex's face of context-compaction: memory, chat store, agents, retriever, recall tool, importers.

Names are loaded when they are first used.
"""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from context_compaction.lazily import lazily as _lazily

if _TYPE_CHECKING:
    from llamaindex_compaction.agents import (
        CompactingCodeActAgent,
        CompactingFunctionAgent,
        CompactingReActAgent,
        CompactionMixin,
        create_recall_tool,
    )
    from llamaindex_compaction.block import CompactionMemoryBlock
    from llamaindex_compaction.drafting import LLMDrafter
    from llamaindex_compaction.errors import MissingArchive
    from llamaindex_compaction.importing import import_chat_store, import_memory, import_sql_memory
    from llamaindex_compaction.instrumentation import (
        CompactionEndEvent,
        CompactionStartEvent,
        RecallEndEvent,
        RecallStartEvent,
    )
    from llamaindex_compaction.memory import CompactionMemory
    from llamaindex_compaction.messages import from_llamaindex, to_llamaindex
    from llamaindex_compaction.postprocessor import TokenBudgetPostprocessor
    from llamaindex_compaction.retriever import ArchiveRetriever
    from llamaindex_compaction.store import CompactionChatStore

__all__ = [
    "ArchiveRetriever",
    "CompactingCodeActAgent",
    "CompactingFunctionAgent",
    "CompactingReActAgent",
    "CompactionChatStore",
    "CompactionEndEvent",
    "CompactionMemory",
    "CompactionMemoryBlock",
    "CompactionMixin",
    "CompactionStartEvent",
    "LLMDrafter",
    "MissingArchive",
    "RecallEndEvent",
    "RecallStartEvent",
    "TokenBudgetPostprocessor",
    "create_recall_tool",
    "from_llamaindex",
    "import_chat_store",
    "import_memory",
    "import_sql_memory",
    "to_llamaindex",
]

_WHERE = {
    "agents": (
        "CompactingCodeActAgent CompactingFunctionAgent CompactingReActAgent CompactionMixin "
        "create_recall_tool"
    ),
    "block": "CompactionMemoryBlock",
    "drafting": "LLMDrafter",
    "errors": "MissingArchive",
    "importing": "import_chat_store import_memory import_sql_memory",
    "instrumentation": "CompactionEndEvent CompactionStartEvent RecallEndEvent RecallStartEvent",
    "memory": "CompactionMemory",
    "messages": "from_llamaindex to_llamaindex",
    "postprocessor": "TokenBudgetPostprocessor",
    "retriever": "ArchiveRetriever",
    "store": "CompactionChatStore",
}
"""By module, the public names that it defines."""

__getattr__, __dir__ = _lazily(__name__, _WHERE, __all__)
