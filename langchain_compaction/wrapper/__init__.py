"""`RunnableWithCompaction`: a session around any chain, model or agent."""

from langchain_compaction.wrapper.runnable import RunnableWithCompaction

__all__ = ["RunnableWithCompaction"]
