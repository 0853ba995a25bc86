"""The compact tool: an agent asks for a compaction when it suits it, and says what the summary must keep."""

from __future__ import annotations

import logging
from typing import Annotated, Any

from langchain.tools import ToolRuntime
from langchain_core.tools import BaseTool, StructuredTool, ToolException
from pydantic import Field

from context_compaction import CompactionError, CompactionEvent, Session
from langchain_compaction.agents.finding import NO_AGENT, Find, found

logger = logging.getLogger(__name__)
DESCRIPTION = (
    "Make room: replace the older part of this conversation by a summary. Use it between two tasks, when "
    "much of what was said is no longer needed. Give focus to say what the summary must keep above all."
)


def create_compact_tool(
    session: Session | Find, *, name: str = "compact_conversation", description: str = DESCRIPTION
) -> BaseTool:
    """A tool that compacts a session by hand, whatever its size, as `Session.compact` does.

    ``session``: the one to compact, or a function that finds it by the run's config and the agent's state.
    What it does shows in the next request. The content says how many tokens became how many; the artifact
    is the compaction's event. What could not be done is a tool message with the status ``error``.
    """

    def compact(
        focus: Annotated[str | None, Field(description="What the summary must keep above all")] = None,
        runtime: ToolRuntime[Any, Any] = NO_AGENT,
    ) -> tuple[str, dict[str, Any]]:
        try:
            return _said(found(session, runtime).compact(focus))
        except CompactionError as error:
            raise _failed(error) from error

    async def acompact(
        focus: str | None = None, runtime: ToolRuntime[Any, Any] = NO_AGENT
    ) -> tuple[str, dict[str, Any]]:
        try:
            return _said(await found(session, runtime).acompact(focus))
        except CompactionError as error:
            raise _failed(error) from error

    return StructuredTool.from_function(
        compact,
        acompact,
        name=name,
        description=description,
        response_format="content_and_artifact",
        handle_tool_error=True,
    )


def _said(event: CompactionEvent) -> tuple[str, dict[str, Any]]:
    if not event.committed:
        return f"Nothing was compacted: {event.reason or event.outcome}.", event.to_json()
    said = f"Compacted: {event.tokens_before:,} tokens of conversation became {event.tokens_after:,}."
    return said, event.to_json()


def _failed(error: CompactionError) -> ToolException:
    logger.warning("the compact tool could not compact", exc_info=error)
    return ToolException("the conversation could not be compacted now; it stays as it is")
