"""Whose session a tool works on: the runtime says so, never the model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from langchain_core.runnables import RunnableConfig, ensure_config

from context_compaction import Session

Find = Callable[[RunnableConfig, Mapping[str, Any]], Session]
"""From a run's config and the agent's state to its session."""
NO_AGENT: Any = None
"""In the place of the runtime that an agent injects. Its type may not say so: then nothing is injected."""


def found(session: Session | Find, runtime: Any) -> Session:
    """The session, or the one that is found by the run's config and the agent's state."""
    if isinstance(session, Session):
        return session
    return session(ensure_config(), {}) if runtime is None else session(runtime.config, runtime.state)
