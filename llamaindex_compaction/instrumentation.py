"""What the package tells LlamaIndex's instrumentation: compactions and recalls, as events of one dispatcher.

Handlers at the root dispatcher get them, as they get LlamaIndex's own:

    from llama_index.core.instrumentation import get_dispatcher

    get_dispatcher().add_event_handler(handler)

No event holds what was said.
"""

from __future__ import annotations

from typing import Any

from llama_index.core.bridge.pydantic import Field
from llama_index_instrumentation import get_dispatcher
from llama_index_instrumentation.base import BaseEvent

from context_compaction import CompactionEvent, CompactionObserver

dispatcher = get_dispatcher("llamaindex_compaction")
"""All of the package's events and spans go through this one."""


class CompactionStartEvent(BaseEvent):
    """A compaction is planned and about to be committed."""

    session_id: str
    namespace: str
    trigger: str = Field(description="Which side asked: pre_turn, post_turn or manual.")
    level: str = Field(description="soft, hard, or none when asked by hand.")
    tokens_before: int = Field(description="Tokens of what the model sees now.")

    @classmethod
    def class_name(cls) -> str:
        """Its name in traces."""
        return "CompactionStartEvent"


class CompactionEndEvent(BaseEvent):
    """An attempted compaction is over: committed, or come to nothing."""

    session_id: str
    namespace: str
    trigger: str
    level: str
    outcome: str = Field(description="reduced, summarized, fell_back, nothing_to_do, infeasible, ...")
    committed: bool
    tokens_before: int
    tokens_after: int
    tokens_saved: int
    removed: int = Field(description="Messages that left what the model sees; all are in the archive.")
    writer: str | None = Field(description="Whose summary stands in their place, if there is one.")
    fell_back_from: list[str] = Field(description="Drafters that failed before.")
    reason: str
    rungs: list[str] = Field(description="The ways to free tokens that were taken, in order.")
    version: int = Field(description="Of the view after the attempt.")
    ms: float

    @classmethod
    def class_name(cls) -> str:
        """Its name in traces."""
        return "CompactionEndEvent"


class RecallStartEvent(BaseEvent):
    """A recall tool was called."""

    session_id: str
    namespace: str

    @classmethod
    def class_name(cls) -> str:
        """Its name in traces."""
        return "RecallStartEvent"


class RecallEndEvent(BaseEvent):
    """A recall tool answered."""

    session_id: str
    namespace: str
    refs: list[str] = Field(description="What was found or read, best first.")
    page: int
    pages: int

    @classmethod
    def class_name(cls) -> str:
        """Its name in traces."""
        return "RecallEndEvent"


class DispatchingObserver(CompactionObserver):
    """Tells the dispatcher of a session's compactions; one of the ``observers`` of a `Session`."""

    def __init__(self, session_id: str, namespace: str = "default") -> None:
        self._whose: dict[str, Any] = {"session_id": session_id, "namespace": namespace}

    def before_compaction(self, event: CompactionEvent) -> None:
        """A plan stands."""
        dispatcher.event(
            CompactionStartEvent(
                **self._whose, trigger=event.trigger, level=event.level, tokens_before=event.tokens_before
            )
        )

    def after_compaction(self, event: CompactionEvent) -> None:
        """The attempt is over."""
        dispatcher.event(
            CompactionEndEvent(
                **self._whose,
                trigger=event.trigger,
                level=event.level,
                outcome=event.outcome,
                committed=event.committed,
                tokens_before=event.tokens_before,
                tokens_after=event.tokens_after,
                tokens_saved=event.tokens_saved,
                removed=event.removed,
                writer=event.writer,
                fell_back_from=list(event.fell_back_from),
                reason=event.reason,
                rungs=[report.rung for report in event.rungs],
                version=event.version,
                ms=event.ms,
            )
        )
