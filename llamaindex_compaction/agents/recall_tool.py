"""The recall tool: an agent looks up what left its context, by words or by reference."""

# Annotations are no strings here: LlamaIndex looks for `Context` in the signature as it is.

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from llama_index.core.bridge.pydantic import BaseModel, Field
from llama_index.core.tools import FunctionTool
from llama_index.core.workflow import Context

from context_compaction import (
    ArchiveError,
    ArchiveUnavailable,
    Lookup,
    LookupAnswer,
    QueryError,
    Session,
    TokenCounter,
)
from llamaindex_compaction.instrumentation import RecallEndEvent, RecallStartEvent, dispatcher
from llamaindex_compaction.memory import CompactionMemory

logger = logging.getLogger(__name__)
Source = CompactionMemory | Session
RECALL = "recall"
"""The tool's name, unless it is given another."""


class RecallArguments(BaseModel):
    """What the model may ask. It cannot name a session."""

    query: str | None = Field(default=None, description="Words to search for")
    ref: str | None = Field(default=None, description="m:57, m:3-m:9 or s:2")
    page: int = Field(default=1, description="Which part of a long answer", ge=1)


class RecallOutput(dict[str, Any]):
    """What an answer is of, as data that JSON can say; as a string, the answer itself."""

    def __init__(self, found: LookupAnswer) -> None:
        super().__init__(refs=list(found.refs), page=found.page, pages=found.pages)
        self._text = found.text

    def __str__(self) -> str:
        """The text, which LlamaIndex makes the content of."""
        return self._text


def create_recall_tool(
    memory: Source | None = None,
    *,
    name: str = RECALL,
    description: str = Lookup.DESCRIPTION,
    k: int = 5,
    max_tokens: int = 2000,
    token_counter: TokenCounter | Callable[[str], int] | str | None = None,
) -> FunctionTool:
    """A tool that searches a session (``query``) and reads originals (``ref``), a page at a time.

    ``memory``: a `CompactionMemory`, or a `Session`: the one to search. None: the memory of the run in which
    an agent calls the tool. The model cannot name another. ``k``: how many messages a search gives.
    ``max_tokens``: of one answer.

    The content is text; ``raw_output`` says what it is of: ``refs`` (best first, for a search), ``page``,
    ``pages``. What cannot be answered, such as a reference that is not there, is raised (`QueryError`,
    `UnknownReference`, `ArchiveUnavailable`): an agent makes an answer with ``is_error`` of it. Raises
    `ValueError` for a ``k`` or ``max_tokens`` under 1.
    """
    lookup = Lookup(name=name, k=k, max_tokens=max_tokens, counter=TokenCounter.of(token_counter))
    about: Any = {"name": name, "description": description, "fn_schema": RecallArguments}
    if memory is None:
        return FunctionTool.from_defaults(async_fn=_OfRun(lookup).aanswer, **about)
    recall = _OfMemory(memory, lookup)
    return FunctionTool.from_defaults(fn=recall.answer, async_fn=recall.aanswer, **about)


class _OfMemory:
    """A `Lookup` in the session of one memory, told to the dispatcher."""

    def __init__(self, memory: Source, lookup: Lookup) -> None:
        self._memory = memory
        self._lookup = lookup

    @dispatcher.span
    def answer(self, query: str | None = None, ref: str | None = None, page: int = 1) -> RecallOutput:
        session = self._memory if isinstance(self._memory, Session) else self._memory.session
        whose: Any = {"session_id": session.session_id, "namespace": session.namespace}
        dispatcher.event(RecallStartEvent(**whose))
        try:
            found = self._lookup.answer(session, query, ref, page)
        except ArchiveError as error:
            logger.warning("the recall tool has no archive", exc_info=True)
            raise ArchiveUnavailable("what was said cannot be looked up now") from error
        dispatcher.event(RecallEndEvent(**whose, refs=list(found.refs), page=found.page, pages=found.pages))
        return RecallOutput(found)

    async def aanswer(self, query: str | None = None, ref: str | None = None, page: int = 1) -> RecallOutput:
        return await asyncio.to_thread(self.answer, query, ref, page)


class _OfRun:
    """A `Lookup` in whatever memory a run has."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup

    async def aanswer(
        self, ctx: Context, query: str | None = None, ref: str | None = None, page: int = 1
    ) -> RecallOutput:
        memory = await ctx.store.get("memory", default=None)
        if not isinstance(memory, CompactionMemory):
            raise QueryError("the memory of this run keeps nothing that could be looked up")
        return await _OfMemory(memory, self._lookup).aanswer(query, ref, page)
