"""For LangChain agents: `CompactionMiddleware` and the recall tool. Needs the extra ``agents``."""

from importlib.util import find_spec

from langchain_compaction.errors import MissingPackage

if find_spec("langchain") is None:
    raise MissingPackage("langchain", "a middleware or tool for agents")

from langchain_compaction.agents.middleware import CompactionMiddleware
from langchain_compaction.agents.recall_tool import create_recall_tool

__all__ = ["CompactionMiddleware", "create_recall_tool"]
