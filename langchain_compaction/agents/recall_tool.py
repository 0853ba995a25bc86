"""The recall tool: an agent looks up what left its context, by words or by reference."""

from __future__ import annotations

import asyncio
import logging
from typing import Annotated, Any

from langchain.tools import ToolRuntime
from langchain_core.tools import BaseTool, StructuredTool, ToolException
from pydantic import Field

from context_compaction import ArchiveError, Lookup, QueryError, Session, UnknownReference
from langchain_compaction.agents.finding import NO_AGENT, Find, found
from langchain_compaction.counting import CounterLike, counter_of

logger = logging.getLogger(__name__)


def create_recall_tool(
    session: Session | Find,
    *,
    name: str = "recall",
    description: str = Lookup.DESCRIPTION,
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
    lookup = Lookup(name=name, k=k, max_tokens=max_tokens, counter=counter_of(token_counter))
    tool = _Recall(session, lookup)

    def recall(
        query: Annotated[str | None, Field(description="Words to search for")] = None,
        ref: Annotated[str | None, Field(description="m:57, m:3-m:9 or s:2")] = None,
        page: Annotated[int, Field(description="Which part of a long answer", ge=1)] = 1,
        runtime: ToolRuntime[Any, Any] = NO_AGENT,
    ) -> tuple[str, dict[str, Any]]:
        return tool.answer(query, ref, page, runtime)

    async def arecall(
        query: str | None = None,
        ref: str | None = None,
        page: int = 1,
        runtime: ToolRuntime[Any, Any] = NO_AGENT,
    ) -> tuple[str, dict[str, Any]]:
        # The run's config is a context variable, which a worker thread of asyncio is given, too.
        return await asyncio.to_thread(tool.answer, query, ref, page, runtime)

    return StructuredTool.from_function(
        recall,
        arecall,
        name=name,
        description=description,
        response_format="content_and_artifact",
        handle_tool_error=True,
    )


class _Recall:
    """Finds the session of a run, and says what of a `Lookup` went wrong as a tool says it."""

    def __init__(self, session: Session | Find, lookup: Lookup) -> None:
        self._session = session
        self._lookup = lookup

    def answer(
        self, query: str | None, ref: str | None, page: int, runtime: Any
    ) -> tuple[str, dict[str, Any]]:
        try:
            answer = self._lookup.answer(found(self._session, runtime), query, ref, page)
        except (UnknownReference, QueryError) as error:
            raise ToolException(str(error)) from error
        except ArchiveError as error:
            logger.warning("the recall tool has no archive", exc_info=True)
            raise ToolException("what was said cannot be looked up now") from error
        return answer.text, {"refs": list(answer.refs), "page": answer.page, "pages": answer.pages}
