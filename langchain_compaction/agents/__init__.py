"""For LangChain agents: `CompactionMiddleware` and the recall tool. Needs the extra ``agents``."""

from importlib import import_module

from langchain_compaction.errors import MissingPackage

try:
    import_module("langchain.agents")  # by itself, so that an error says what is missing
except ModuleNotFoundError as error:
    raise MissingPackage("a middleware or tool for agents", "langchain") from error

from langchain_compaction.agents.compact_tool import create_compact_tool
from langchain_compaction.agents.middleware import CompactionMiddleware
from langchain_compaction.agents.node import CompactionNode
from langchain_compaction.agents.recall_tool import create_recall_tool

__all__ = ["CompactionMiddleware", "CompactionNode", "create_compact_tool", "create_recall_tool"]
