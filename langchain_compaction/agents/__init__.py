"""For LangChain agents: `CompactionMiddleware` and the recall tool. Needs the extra ``agents``."""

from langchain_compaction.agents.middleware import CompactionMiddleware
from langchain_compaction.agents.recall_tool import create_recall_tool

__all__ = ["CompactionMiddleware", "create_recall_tool"]
