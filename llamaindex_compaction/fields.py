"""What a memory, a block and a chat store are told of their sessions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from llama_index.core.bridge.pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from context_compaction import Archive, Budget, Message, Policy, TokenCounter
from llamaindex_compaction.sessions import RUNTIME, Sessions


class SessionFields(BaseModel):
    """Where the sessions are, and how they are kept."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    archive: Any = Field(default=":memory:", **RUNTIME)
    """A path, ``":memory:"`` or an `Archive`, which then stays yours to close."""
    drafter: Any = Field(default=None, **RUNTIME)
    """Who writes summaries: a drafter, a function, an LLM, or several; None selects sentences on the CPU."""
    policy: Policy | None = Field(default=None, **RUNTIME)
    """How to compact; None: `Policy.layered()`."""
    post_turn: Literal["inline", "background"] = Field(default="inline", **RUNTIME)
    """Whether getting ahead of the next turn is waited for."""
    observers: Any = Field(default=(), **RUNTIME)
    """Who is told of each compaction before (and may veto a SOFT one) and after."""
    is_pinned: Callable[[Message], bool] | None = Field(default=None, **RUNTIME)
    """Messages that stay word for word."""
    redactor: Callable[[str], str] | None = Field(default=None, **RUNTIME)
    """What every text goes through before a drafter reads it, and every summary; the archive is as it was."""
    embedder: Any = Field(default=None, **RUNTIME)
    """A LlamaIndex ``BaseEmbedding``, say, by which recall weighs meaning beside words; None: words alone."""
    _sessions: Sessions = PrivateAttr()

    def _sessions_in(
        self,
        archive: Archive,
        token_limit: int,
        *,
        namespace: str,
        drafter: Any,
        counter: TokenCounter,
        recall_hint: bool = False,
    ) -> Sessions:
        """Sessions of an open archive, as the fields say."""
        return Sessions(
            archive,
            Budget(context_window=token_limit, reserve_tokens=0),
            namespace=namespace,
            policy=self.policy,
            drafter=drafter,
            counter=counter,
            post_turn=self.post_turn,
            observers=self.observers,
            is_pinned=self.is_pinned,
            redactor=self.redactor,
            embedder=self.embedder,
            recall_hint=recall_hint,
        )
