"""Sessions for LlamaIndex: its LLMs may write their summaries, and its instrumentation hears of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import context_compaction
from context_compaction import Archive, Budget, TokenCounter
from llamaindex_compaction.drafting import drafter_of
from llamaindex_compaction.instrumentation import DispatchingObserver

ArchiveLike = str | os.PathLike[str] | Archive
ANY_BUDGET = Budget(context_window=1_000_000)
"""Searching and importing need none."""
RUNTIME: dict[str, Any] = {"exclude": True, "frozen": True, "repr": False}
"""Of a field that is set once, and is not written down with the rest."""


class Sessions(context_compaction.Sessions):
    """The engine's `Sessions`, whose ``drafter`` may be a LlamaIndex LLM, too."""

    __slots__ = ()

    def __post_init__(self) -> None:
        self.drafter = drafter_of(self.drafter)  # once: how an LLM fares is known to all sessions
        super().__post_init__()

    def observers_of(self, session_id: str) -> Iterable[Any]:
        """LlamaIndex's instrumentation, then those that were given."""
        return (DispatchingObserver(session_id, self.namespace), *self.observers)


def counter_of(tokenizer_fn: Callable[[str], Sequence[Any]] | None) -> TokenCounter:
    """What counts tokens, for a function of text that gives a list of them, as LlamaIndex has it."""
    if tokenizer_fn is None:
        return TokenCounter.of(None)
    return TokenCounter.of(lambda text: len(tokenizer_fn(text)))
