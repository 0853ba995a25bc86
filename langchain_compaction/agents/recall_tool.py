"""The recall tool: an agent looks up what left its context, by words or by reference."""

from __future__ import annotations

import asyncio
import logging
from typing import Annotated, Any

from langchain.tools import ToolRuntime
from langchain_core.tools import BaseTool, StructuredTool, ToolException
from pydantic import Field

from context_compaction import ArchiveError, Lookup, QueryError, Scope, Session, UnknownReference
from langchain_compaction.agents.finding import NO_AGENT, Find, found
from langchain_compaction.counting import CounterLike, counter_of

logger = logging.getLogger(__name__)
_TOLD = Lookup.ARGUMENTS


def create_recall_tool(
    session: Session | Find,
    *,
    name: str = "recall",
    description: str | None = None,
    k: int = 5,
    max_tokens: int = 2000,
    token_counter: CounterLike = None,
    scope: Scope = "session",
) -> BaseTool:
    """A tool that searches a session (``query``) and reads originals (``ref``), a page at a time.

    ``session``: the one to search, or a function that finds it by the run's config and the agent's state.
    ``scope="namespace"``: all sessions of its namespace; results say whose they are. The model can choose
    neither. ``k``: how many messages a search gives. ``max_tokens``: of one answer. ``description``: None for
    one that suits the scope.

    The model may also give ``after`` and ``before`` for a search, or ask for an ``overview``. The content is
    text, the artifact says what it is of: ``refs`` (best first, for a search), ``page``, ``pages``. What
    cannot be answered, such as a reference that is not there or arguments that mean nothing, is a tool
    message with the status ``error`` that says what to give. Raises `ValueError` for a ``k`` or
    ``max_tokens`` under 1, `QueryError` for a scope that is none.
    """
    counter = counter_of(token_counter)
    lookup = Lookup(name=name, k=k, max_tokens=max_tokens, counter=counter, scope=scope)
    tool = _Recall(session, lookup)

    def recall(
        *,
        query: Annotated[str | None, Field(description=_TOLD["query"])] = None,
        ref: Annotated[str | None, Field(description=_TOLD["ref"])] = None,
        after: Annotated[str | None, Field(description=_TOLD["after"])] = None,
        before: Annotated[str | None, Field(description=_TOLD["before"])] = None,
        overview: Annotated[bool, Field(description=_TOLD["overview"])] = False,
        page: Annotated[int, Field(description=_TOLD["page"], ge=1)] = 1,
        runtime: ToolRuntime[Any, Any] = NO_AGENT,
    ) -> tuple[str, dict[str, Any]]:
        asked = {"after": after, "before": before, "overview": overview, "page": page}
        return tool.answer(runtime, query=query, ref=ref, **asked)

    async def arecall(
        *, runtime: ToolRuntime[Any, Any] = NO_AGENT, **asked: Any
    ) -> tuple[str, dict[str, Any]]:
        # The run's config is a context variable, which a worker thread of asyncio is given, too.
        return await asyncio.to_thread(recall, runtime=runtime, **asked)

    return StructuredTool.from_function(
        recall,
        arecall,
        name=name,
        description=description or lookup.description,
        response_format="content_and_artifact",
        handle_tool_error=True,
        handle_validation_error=_mistaken,
    )


def _mistaken(error: Any) -> str:
    """What was wrong with the arguments, for the model."""
    return "; ".join(
        f"{'.'.join(map(str, each['loc']))} cannot be {str(each['input'])[:80]!r}: {each['msg']}"
        for each in error.errors()
    )


class _Recall:
    """Finds the session of a run, and says what of a `Lookup` went wrong as a tool says it."""

    def __init__(self, session: Session | Find, lookup: Lookup) -> None:
        self._session = session
        self._lookup = lookup

    def answer(self, runtime: Any, **asked: Any) -> tuple[str, dict[str, Any]]:
        try:
            answer = self._lookup.answer(found(self._session, runtime), **asked)
        except (UnknownReference, QueryError) as error:
            raise ToolException(str(error)) from error
        except ArchiveError as error:
            logger.warning("the recall tool has no archive", exc_info=True)
            raise ToolException("what was said cannot be looked up now") from error
        return answer.text, {"refs": list(answer.refs), "page": answer.page, "pages": answer.pages}
