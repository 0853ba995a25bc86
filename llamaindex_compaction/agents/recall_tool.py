"""The recall tool: an agent looks up what left its context, by words or by reference."""

# Annotations are no strings here: LlamaIndex looks for `Context` in the signature as it is.

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from llama_index.core.bridge.pydantic import BaseModel, Field
from llama_index.core.tools import FunctionTool, ToolOutput
from llama_index.core.workflow import Context

from context_compaction import (
    ArchiveError,
    ArchiveUnavailable,
    Lookup,
    LookupAnswer,
    QueryError,
    Scope,
    Session,
    TokenCounter,
    UnknownReference,
)
from llamaindex_compaction.instrumentation import RecallEndEvent, RecallStartEvent, dispatcher
from llamaindex_compaction.memory import CompactionMemory

logger = logging.getLogger(__name__)
Source = CompactionMemory | Session
_TOLD = Lookup.ARGUMENTS
RECALL = "recall"
"""The tool's name, unless it is given another."""


class RecallArguments(BaseModel):
    """What the model may ask. It cannot name a session."""

    query: str | None = Field(default=None, description=_TOLD["query"])
    ref: str | None = Field(default=None, description=_TOLD["ref"])
    after: str | None = Field(default=None, description=_TOLD["after"])
    before: str | None = Field(default=None, description=_TOLD["before"])
    overview: bool = Field(default=False, description=_TOLD["overview"])
    page: int = Field(default=1, description=_TOLD["page"], ge=1)


class RecallOutput(dict[str, Any]):
    """What an answer is of, as data that JSON can say; as a string, the answer itself."""

    def __init__(self, found: LookupAnswer) -> None:
        super().__init__(refs=list(found.refs), page=found.page, pages=found.pages)
        self._text = found.text

    def __str__(self) -> str:
        """The text, which LlamaIndex makes the content of."""
        return self._text


class RecallTool(FunctionTool):
    """A tool that tells a model what it cannot answer: as an output with ``is_error``, as agents make it."""

    def call(self, *args: Any, **kwargs: Any) -> ToolOutput:
        """Raises nothing that is the model's to mend, or the archive's."""
        try:
            return super().call(*args, **kwargs)
        except (ArchiveError, QueryError, UnknownReference) as error:
            return self._unanswered(error, args, kwargs)

    async def acall(self, *args: Any, **kwargs: Any) -> ToolOutput:
        """As `call`."""
        try:
            return await super().acall(*args, **kwargs)
        except (ArchiveError, QueryError, UnknownReference) as error:
            return self._unanswered(error, args, kwargs)

    def _unanswered(self, error: Exception, args: Any, kwargs: Any) -> ToolOutput:
        asked = {name: value for name, value in kwargs.items() if name != self.ctx_param_name}
        return ToolOutput(
            content=str(error),
            tool_name=self.metadata.get_name(),
            raw_input={"args": args, "kwargs": asked},
            raw_output=str(error),
            is_error=True,
            exception=error,
        )


def create_recall_tool(
    memory: Source | None = None,
    *,
    name: str = RECALL,
    description: str | None = None,
    k: int = 5,
    max_tokens: int = 2000,
    token_counter: TokenCounter | Callable[[str], int] | str | None = None,
    scope: Scope = "session",
) -> FunctionTool:
    """A tool that searches a session (``query``) and reads originals (``ref``), a page at a time.

    ``memory``: a `CompactionMemory`, or a `Session`: the one to search. None: the memory of the run in which
    an agent calls the tool. ``scope="namespace"``: all sessions of its namespace; results say whose they
    are. The model can choose neither. ``k``: how many messages a search gives. ``max_tokens``: of one
    answer. ``description``: None for one that suits the scope.

    The model may also give ``after`` and ``before`` for a search, or ask for an ``overview``. The content is
    text; ``raw_output`` says what it is of: ``refs`` (best first, for a search), ``page``, ``pages``. What
    cannot be answered, such as a reference that is not there or arguments that mean nothing, is an output
    with ``is_error`` that says what to give. Raises `ValueError` for a ``k`` or ``max_tokens`` under 1,
    `QueryError` for a scope that is none, `TypeError` for a memory of another kind.
    """
    if memory is not None and not isinstance(memory, Source):  # pyright: ignore[reportUnnecessaryIsInstance] - callers may be untyped
        raise TypeError(f"memory is a CompactionMemory or a Session, not {memory!r:.80}")
    counter = TokenCounter.of(token_counter)
    lookup = Lookup(name=name, k=k, max_tokens=max_tokens, counter=counter, scope=scope)
    about: Any = {
        "name": name,
        "description": description or lookup.description,
        "fn_schema": RecallArguments,
    }
    if memory is None:
        return RecallTool.from_defaults(async_fn=_OfRun(lookup).aanswer, **about)
    recall = _OfMemory(memory, lookup)
    return RecallTool.from_defaults(fn=recall.answer, async_fn=recall.aanswer, **about)


class _OfMemory:
    """A `Lookup` in the session of one memory, told to the dispatcher."""

    def __init__(self, memory: Source, lookup: Lookup) -> None:
        self._memory = memory
        self._lookup = lookup

    @dispatcher.span
    def answer(self, **asked: Any) -> RecallOutput:
        session = self._memory if isinstance(self._memory, Session) else self._memory.session
        whose: Any = {"session_id": session.session_id, "namespace": session.namespace}
        dispatcher.event(RecallStartEvent(**whose))
        try:
            found = self._lookup.answer(session, **asked)
        except ArchiveError as error:
            logger.warning("the recall tool has no archive", exc_info=True)
            raise ArchiveUnavailable("what was said cannot be looked up now") from error
        dispatcher.event(RecallEndEvent(**whose, refs=list(found.refs), page=found.page, pages=found.pages))
        return RecallOutput(found)

    async def aanswer(self, **asked: Any) -> RecallOutput:
        return await asyncio.to_thread(self.answer, **asked)


class _OfRun:
    """A `Lookup` in whatever memory a run has."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup

    async def aanswer(self, ctx: Context, **asked: Any) -> RecallOutput:
        memory = await ctx.store.get("memory", default=None)
        if not isinstance(memory, CompactionMemory):
            raise QueryError("the memory of this run keeps nothing that could be looked up")
        return await _OfMemory(memory, self._lookup).aanswer(**asked)
