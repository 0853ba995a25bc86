"""Which session a run of an agent belongs to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from langchain_core.runnables import RunnableConfig

from langchain_compaction.errors import MissingSessionId
from langchain_compaction.sessions import session_id_of

RUN = "compaction_run"
"""The private state of a run that has no thread: under which name its session is kept."""
SEVERAL = "tools"
"""The node of an agent in which several sub-agents may run at a time."""
Namespace = str | Callable[[RunnableConfig], str]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run's messages are kept."""

    session_id: str
    namespace: str
    is_thread: bool
    """False for a run whose config names neither a session nor a thread: nothing can go on with it."""

    @property
    def goes_on(self) -> bool:
        """Whether another run may go on with it: sub-agents that tools call begin anew each time."""
        return self.is_thread and f"|{SEVERAL}:" not in self.session_id

    @property
    def aside(self) -> Place:
        """Where the run is kept as long as it lasts, if its archive cannot be used."""
        return replace(self, is_thread=False)


def place_of(config: RunnableConfig, state: Mapping[str, Any], namespace: Namespace) -> Place:
    """Where this run's messages are kept. A run without a thread gets a name of its own, once."""
    within = namespace if isinstance(namespace, str) else namespace(config)
    try:
        return Place(session_id_of(config) + _graph(config), within, is_thread=True)
    except MissingSessionId:
        return Place(state.get(RUN) or f"run-{uuid4().hex}", within, is_thread=False)


def node_of(config: RunnableConfig) -> str:
    """The task of the graph that is running, and the graphs around it."""
    return str((config.get("configurable") or {}).get("checkpoint_ns") or "")


def _graph(config: RunnableConfig) -> str:
    """An agent inside of another graph has the other's thread, but a conversation of its own.

    As a node it goes on with it in the next run, so the node's name says which; sub-agents that tools call
    begin anew each time, and several at a time.
    """
    names = ""
    for graph in node_of(config).split("|")[:-1]:
        node = graph.partition(":")[0]
        names += f"|{graph if node == SEVERAL else node}"
    return names
