"""`OpenMemory`: the options of a memory, and the session that they open."""

from __future__ import annotations

from abc import ABC
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from uuid import uuid4

from llama_index.core.bridge.pydantic import Field, PrivateAttr
from llama_index.core.memory.types import BaseMemory

from context_compaction import (
    Budget,
    SearchHit,
    Session,
    StaleView,
    TokenCounter,
)
from context_compaction.faces import drafters_of
from llamaindex_compaction.fields import SessionFields
from llamaindex_compaction.memory.asking import Asking
from llamaindex_compaction.sessions import RUNTIME, counter_of

T = TypeVar("T")
DEFAULT_TOKEN_LIMIT = 30_000
"""As LlamaIndex's `Memory` has it."""


class OpenMemory(SessionFields, BaseMemory, ABC):
    """A memory's fields, which say where its session is and how it is kept."""

    session_id: str = Field(default_factory=lambda: str(uuid4()), frozen=True)
    """Which conversation; made up if not given."""
    namespace: str = Field(default="default", frozen=True)
    token_limit: int = Field(default=DEFAULT_TOKEN_LIMIT, frozen=True)
    """What `get` gives stays under so many tokens, the asker's own (``initial_token_count``) included."""
    llm: Any = Field(default=None, **RUNTIME)
    """An LLM that writes the summaries; behind ``drafter``, if that is given, too."""
    tokenizer_fn: Any = Field(default=None, exclude=True, repr=False)
    """What counts tokens: a function of text that gives a list, as LlamaIndex has it."""
    recall_hint: bool = Field(default=False, **RUNTIME)
    """Whether the model has a recall tool to be told about."""
    _asking: Asking = PrivateAttr()
    _counts_by_default: bool = PrivateAttr()

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        counter = counter_of(self.tokenizer_fn)
        self._counts_by_default = self.tokenizer_fn is None
        if self._counts_by_default:  # chat engines call it where it is there
            self.tokenizer_fn = lambda text: range(counter.text(text))  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
        budget = Budget(context_window=self.token_limit, reserve_tokens=0)
        self._asking = Asking(budget, counter)
        archive = self._open()
        try:
            self._sessions = self._sessions_in(
                archive,
                self.token_limit,
                namespace=self.namespace,
                drafter=drafters_of(self.drafter, self.llm),
                counter=counter,
                recall_hint=self.recall_hint,
            )
            self._sessions.get(self.session_id)
        except BaseException:
            if self._owned is not None:
                self._owned.close()
            raise

    @property
    def session(self) -> Session:
        """The engine's session: search, pins, branches, events."""
        return self._sessions.get(self.session_id)

    @property
    def counter(self) -> TokenCounter:
        """What counts its tokens."""
        return self._asking.counter

    def recall(self, query: str, k: int = 8) -> list[SearchHit]:
        """Search everything that was said and summarised; best first."""
        return self._with_session(lambda session: session.recall(query, k))

    async def arecall(self, query: str, k: int = 8) -> list[SearchHit]:
        """`recall` in a worker thread."""
        return await self._awith_session(lambda session: session.arecall(query, k))

    def _options(self) -> dict[str, Any]:
        own = {"tokenizer_fn"} if self._counts_by_default else set[str]()
        return {name: value for name, value in super()._options().items() if name not in own}

    def _repr_html_(self) -> str | None:
        """For notebooks: the session behind it. Closed, it is shown as text."""
        return self._sessions.html(self.session_id)

    # -- inside ----------------------------------------------------------------------------------------

    def _with_session(self, run: Callable[[Session], T]) -> T:
        """Run this on the session. Where another memory erased it meanwhile, on a new one."""
        try:
            return run(self.session)
        except StaleView:
            self._sessions.close()
            return run(self.session)

    async def _awith_session(self, run: Callable[[Session], Awaitable[T]]) -> T:
        try:
            return await run(self.session)
        except StaleView:
            self._sessions.close()
            return await run(self.session)
