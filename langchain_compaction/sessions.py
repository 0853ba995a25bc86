"""Sessions for LangChain: how they are configured once, opened by id, and named by a run's config."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, cast

import context_compaction
from context_compaction import Archive, Budget
from langchain_compaction.drafting import drafter_of
from langchain_compaction.errors import MissingSessionId

ArchiveLike = str | os.PathLike[str] | Archive
ANY_BUDGET = Budget(context_window=1_000_000)
"""Searching and importing need none."""


def session_id_of(config: Mapping[str, Any] | None) -> str:
    """The session that a run's config names: ``session_id``, or LangGraph's ``thread_id``.

    Raises `MissingSessionId`.
    """
    configurable = _configurable(config)
    for key in ("session_id", "thread_id"):
        found = configurable.get(key)
        if found is not None and found != "":
            return str(found)
    raise MissingSessionId


def context_management_of(config: Mapping[str, Any] | None) -> Sequence[Mapping[str, Any]] | None:
    """The edits that a run asks for, as providers take them; None if it asks for none."""
    found: Any = _configurable(config).get("context_management")
    return cast("Sequence[Mapping[str, Any]] | None", found)


class Sessions(context_compaction.Sessions):
    """The engine's `Sessions`, whose ``drafter`` may be a LangChain model, too."""

    __slots__ = ()

    def __post_init__(self) -> None:
        self.drafter = drafter_of(self.drafter)  # once: how a model fares is known to all sessions
        super().__post_init__()


def _configurable(config: Mapping[str, Any] | None) -> Mapping[str, Any]:
    found: Any = (config or {}).get("configurable") or {}
    return cast("Mapping[str, Any]", found)
