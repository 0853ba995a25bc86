"""A conversation to look things up in, and what the package tells LlamaIndex's dispatcher meanwhile."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from llama_index.core.bridge.pydantic import Field
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index_instrumentation import get_dispatcher
from llama_index_instrumentation.span_handlers import SimpleSpanHandler

from context_compaction import Budget, Session
from tests.builders import assistant, user

if TYPE_CHECKING:
    from llama_index_instrumentation.base import BaseEvent

BUDGET = Budget(context_window=2000, reserve_tokens=0)


def talk(**options: Any) -> Session:
    """Thirty turns; the harbour is spoken of in five of them."""
    session = Session(":memory:", "s1", "ann", budget=BUDGET, **options)
    for place in range(30):
        about = "harbour crane" if place % 6 == 0 else "garden"
        asked = f"What of the {about} number {place}? " + "Tell me more. " * 8
        session.append(
            [
                user(asked, id=f"u{place}", name="ann", timestamp=f"2026-03-01T10:{place:02}:00Z"),
                assistant(f"Of the {about} {place} this is known. " + "And so on. " * 8),
            ]
        )
    return session


class _Listening(BaseEventHandler):
    told: list[Any] = Field(default_factory=list[Any])

    @classmethod
    def class_name(cls) -> str:
        return "Listening"

    def handle(self, event: BaseEvent, **_: Any) -> None:
        if type(event).__module__.startswith("llamaindex_compaction"):
            self.told.append(event)


@contextmanager
def events() -> Generator[list[Any]]:
    """The package's events, as a handler at the root gets them."""
    root, handler = get_dispatcher(), _Listening()
    root.add_event_handler(handler)
    try:
        yield handler.told
    finally:
        root.event_handlers.remove(handler)


@contextmanager
def spans() -> Generator[SimpleSpanHandler]:
    """What a span handler at the root sees."""
    root, handler = get_dispatcher(), SimpleSpanHandler()
    root.add_span_handler(handler)
    try:
        yield handler
    finally:
        root.span_handlers.remove(handler)
