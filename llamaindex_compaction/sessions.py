"""Sessions for LlamaIndex: its LLMs may write their summaries, and its instrumentation hears of them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import context_compaction
from context_compaction import Archive
from llamaindex_compaction.drafting import drafter_of
from llamaindex_compaction.instrumentation import DispatchingObserver

ArchiveLike = str | os.PathLike[str] | Archive


class Sessions(context_compaction.Sessions):
    """The engine's `Sessions`, whose ``drafter`` may be a LlamaIndex LLM, too."""

    __slots__ = ()

    def __post_init__(self) -> None:
        self.drafter = drafter_of(self.drafter)  # once: how an LLM fares is known to all sessions

    def observers_of(self, session_id: str) -> Iterable[Any]:
        """LlamaIndex's instrumentation, then those that were given."""
        return (DispatchingObserver(session_id, self.namespace), *self.observers)
