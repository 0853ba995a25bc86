"""From LangChain's histories and LangGraph's checkpoints into sessions: whole messages, each once."""

from langchain_compaction.importing.checkpoints import import_checkpoints
from langchain_compaction.importing.history import import_history
from langchain_compaction.importing.sql import import_sql_histories

__all__ = ["import_checkpoints", "import_history", "import_sql_histories"]
