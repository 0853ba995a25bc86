"""The recall tool: an agent looks up what left its context, by words or by reference."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Annotated, Any

from langchain.tools import ToolRuntime
from langchain_core.tools import BaseTool, StructuredTool, ToolException
from pydantic import Field

from context_compaction import (
    ArchiveError,
    Message,
    QueryError,
    SearchHit,
    Session,
    TokenCounter,
    UnknownReference,
)
from langchain_compaction.agents.finding import NO_AGENT, Find, found
from langchain_compaction.agents.pages import Pages
from langchain_compaction.counting import CounterLike, counter_of

logger = logging.getLogger(__name__)
DESCRIPTION = (
    "Look up what was said earlier in this conversation and is no longer shown in full. "
    "Give query (words to search for), or ref (a reference as the conversation shows it: m:57, m:3-m:9, s:2) "
    "to read the original messages whole; page for the next part of a long answer."
)


def create_recall_tool(
    session: Session | Find,
    *,
    name: str = "recall",
    description: str = DESCRIPTION,
    k: int = 5,
    max_tokens: int = 2000,
    token_counter: CounterLike = None,
) -> BaseTool:
    """A tool that searches a session (``query``) and reads originals (``ref``), a page at a time.

    ``session``: the one to search, or a function that finds it by the run's config and the agent's state.
    The model cannot name another one. ``k``: how many messages a search gives. ``max_tokens``: of one answer.

    The content is text, the artifact says what it is of: ``refs`` (best first, for a search), ``page``,
    ``pages``. What cannot be answered, such as a reference that is not there, is a tool message with the
    status ``error``. Raises `ValueError` for a ``k`` or ``max_tokens`` under 1.
    """
    if k < 1 or max_tokens < 1:
        raise ValueError(f"k is {k}, max_tokens is {max_tokens}; both must be 1 or more")
    lookup = _Lookup(session, name, k, max_tokens, counter_of(token_counter))

    def recall(
        query: Annotated[str | None, Field(description="Words to search for")] = None,
        ref: Annotated[str | None, Field(description="m:57, m:3-m:9 or s:2")] = None,
        page: Annotated[int, Field(description="Which part of a long answer", ge=1)] = 1,
        runtime: ToolRuntime[Any, Any] = NO_AGENT,
    ) -> tuple[str, dict[str, Any]]:
        return lookup.answer(query, ref, page, runtime)

    async def arecall(
        query: str | None = None,
        ref: str | None = None,
        page: int = 1,
        runtime: ToolRuntime[Any, Any] = NO_AGENT,
    ) -> tuple[str, dict[str, Any]]:
        # The run's config is a context variable, which a worker thread of asyncio is given, too.
        return await asyncio.to_thread(lookup.answer, query, ref, page, runtime)

    return StructuredTool.from_function(
        recall,
        arecall,
        name=name,
        description=description,
        response_format="content_and_artifact",
        handle_tool_error=True,
    )


class _Lookup:
    """Search and reading, as text of at most a page."""

    def __init__(
        self, session: Session | Find, name: str, k: int, max_tokens: int, counter: TokenCounter
    ) -> None:
        self._session = session
        self._name = name
        self._k = k
        self._pages = Pages(max_tokens, counter)

    def answer(
        self, query: str | None, ref: str | None, page: int, runtime: Any
    ) -> tuple[str, dict[str, Any]]:
        try:
            session = found(self._session, runtime)
            if ref:
                refs, texts = [ref], [_said(message) for message in session.expand(ref)]
            elif query:
                hits = self._hits(session, query)
                refs, texts = [hit.ref for hit in hits], [_hit(hit) for hit in hits]
            else:
                raise ToolException("give query, words to search for, or ref, such as m:57")
        except (UnknownReference, QueryError) as error:
            raise ToolException(str(error)) from error
        except ArchiveError as error:
            logger.warning("the recall tool has no archive", exc_info=True)
            raise ToolException("what was said cannot be looked up now") from error
        if not texts:
            texts = [f"Nothing that was said holds {query!r}."]
        text, pages = self._pages.page("\n\n".join(texts), page)
        if page > pages:
            raise ToolException(f"there is no page {page}; the last one is {pages}")
        return text, {"refs": refs, "page": page, "pages": pages}

    def _hits(self, session: Session, query: str) -> Sequence[SearchHit]:
        """Without what this tool itself found before."""
        found = session.recall(query, self._k * 2)
        return [hit for hit in found if hit.message is None or not self._is_own(hit.message)][: self._k]

    def _is_own(self, message: Message) -> bool:
        result = message.tool_result
        return result is not None and self._name in (message.name, result.name)


def _hit(hit: SearchHit) -> str:
    if hit.message is not None:
        return f"[{hit.ref}] {_said(hit.message)}"
    return f"[{hit.ref}] summary:\n{hit.summary.text if hit.summary else ''}"


def _said(message: Message) -> str:
    """Who said it, when, and what: calls with their arguments, results with the tool's name."""
    who = f"{message.role} {message.name}" if message.name else message.role
    when = f" ({message.timestamp})" if message.timestamp is not None else ""
    calls = [f"{call.name}({call.arguments})" for call in message.tool_calls]
    return "\n".join([f"{who}{when}:", *([message.text] if message.text else []), *calls])
