"""What a compaction tells while a run waits for it: custom events, a traced run, a note on the answer."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextvars import ContextVar, Token
from dataclasses import dataclass, field, replace
from typing import Any

from langchain.agents.middleware.types import ModelResponse
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import RunnableConfig, RunnableLambda

from context_compaction import CompactionEvent, CompactionObserver

logger = logging.getLogger(__name__)
Write = Callable[[Any], None]
"""LangGraph's ``stream_writer``."""
RUN_NAME = "context_compaction"
"""Of the traced run, and the ``type`` of the custom events."""


@dataclass(slots=True)
class Telling:
    """What was told during one model call: of what compactions do while it is entered."""

    write: Write | None
    committed: list[CompactionEvent] = field(default_factory=list[CompactionEvent])
    _token: Token[Telling | None] | None = None

    def __enter__(self) -> None:
        self._token = _TOLD.set(self)

    def __exit__(self, *error: object) -> None:
        if self._token is not None:
            _TOLD.reset(self._token)

    def tell(self, phase: str, event: CompactionEvent) -> None:
        """A custom event: ``{"type": "context_compaction", "phase": "start" or "end", ...the event}``."""
        if self.write is not None:
            self.write({"type": RUN_NAME, "phase": phase, **event.to_json()})

    @property
    def runs(self) -> list[tuple[dict[str, Any], RunnableConfig]]:
        """For each compaction that was committed what it is traced as: the run's input, and its config."""
        return [
            (
                {"trigger": event.trigger, "level": event.level, "tokens_before": event.tokens_before},
                {"run_name": RUN_NAME, "metadata": event.to_json()},
            )
            for event in self.committed
        ]

    def noted(self, answer: ModelResponse[Any]) -> ModelResponse[Any]:
        """The answer with what was saved, and by what, in its ``response_metadata``, as providers note it."""
        if not self.committed:
            return answer
        result = [
            self._noted(message) if isinstance(message, AIMessage) else message for message in answer.result
        ]
        return replace(answer, result=result)

    def update(self, state: Sequence[BaseMessage]) -> dict[str, Any] | None:
        """What is to change in a state whose last answer was followed by these compactions."""
        last = next((message for message in reversed(state) if isinstance(message, AIMessage)), None)
        if last is None or not self.committed:
            return None
        return {"messages": [self._noted(last)]}

    def _noted(self, answer: AIMessage) -> AIMessage:
        """Behind what was noted on it before."""
        known = answer.response_metadata
        edits = known.get("context_management", {}).get("applied_edits", [])
        note = {
            "compacted_tokens_saved": known.get("compacted_tokens_saved", 0)
            + sum(event.tokens_saved for event in self.committed),
            "context_management": {"applied_edits": [*edits, *map(_edit, self.committed)]},
        }
        return answer.model_copy(update={"response_metadata": {**known, **note}})


class Teller(CompactionObserver):
    """Passes on what the sessions do to whoever waits for it."""

    def starting_compaction(self, event: CompactionEvent) -> None:
        """Somebody waits from here on."""
        told = _TOLD.get()
        if told is not None:
            told.tell("start", event)

    def after_compaction(self, event: CompactionEvent) -> None:
        """Until here."""
        told = _TOLD.get()
        if told is None:
            return
        if event.committed:
            told.committed.append(event)
        told.tell("end", event)


_TOLD: ContextVar[Telling | None] = ContextVar("_TOLD", default=None)


def trace(told: Telling) -> None:
    """A run for each compaction, beneath the one that is under way. A tracer's failure is logged."""
    for given, config in told.runs:
        try:
            _TRACED.invoke(given, config)
        except Exception:
            logger.warning("a compaction was not traced", exc_info=True)


async def atrace(told: Telling) -> None:
    """`trace` on the running event loop."""
    for given, config in told.runs:
        try:
            await _TRACED.ainvoke(given, config)
        except Exception:
            logger.warning("a compaction was not traced", exc_info=True)


def _reported(_: Any, config: RunnableConfig) -> dict[str, Any]:
    metadata = config.get("metadata") or {}
    return {"outcome": metadata.get("outcome"), "tokens_after": metadata.get("tokens_after")}


_TRACED: Any = RunnableLambda(_reported)


def _edit(event: CompactionEvent) -> dict[str, Any]:
    return {
        "type": "compaction",
        "trigger": event.trigger,
        "outcome": event.outcome,
        "rungs": [rung.rung for rung in event.rungs if rung.tokens_after < rung.tokens_before],
        "removed_messages": event.removed,
        "edited_messages": event.edited,
        "cleared_input_tokens": event.tokens_saved,
    }
