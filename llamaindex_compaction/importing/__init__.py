"""From LlamaIndex's memories and chat stores into sessions: whole messages, each once."""

from llamaindex_compaction.importing.memory import import_memory
from llamaindex_compaction.importing.simple import import_chat_store
from llamaindex_compaction.importing.sql import import_sql_memory

__all__ = ["import_chat_store", "import_memory", "import_sql_memory"]
