"""An agent whose context one middleware manages, ours or somebody else's."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import ClearToolUsesEdit, ContextEditingMiddleware, SummarizationMiddleware
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langgraph.checkpoint.memory import InMemorySaver
from pydantic import Field

from langchain_compaction import CompactionMiddleware
from tests.langchain.strict import StrictModel

OURS, LANGCHAIN, EDITING, DEEP = "ours", "SummarizationMiddleware", "ContextEditingMiddleware", "deepagents"
THREAD: Any = {"configurable": {"thread_id": "t1"}, "recursion_limit": 10_000}
SUMMARY = "## Current State\n- a summary was written"


class Writer(BaseChatModel):
    """Writes summaries; keeps what it was asked."""

    text: str = SUMMARY
    error: Any = None
    asked: list[str] = Field(default_factory=list[str])

    @property
    def _llm_type(self) -> str:
        return "writer"

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        self.asked.append("\n".join(str(message.text) for message in messages))
        if self.error is not None:
            raise self.error
        return ChatResult(generations=[ChatGeneration(message=AIMessage(self.text))])


@dataclass(slots=True)
class Contender:
    """One agent."""

    name: str
    model: StrictModel
    writer: Writer
    agent: Any
    middleware: Any
    folder: str = ""

    def ask(self, *messages: BaseMessage) -> list[BaseMessage]:
        """What the model was sent last when these were added to the state."""
        self.agent.invoke({"messages": [message.model_copy() for message in messages]}, THREAD)
        return self.model.seen[-1]

    @property
    def sent(self) -> str:
        return "\n".join(str(message.text) for message in self.model.seen[-1])


def contender(
    name: str,
    *,
    trigger: Any = ("tokens", 2000),
    keep: Any = ("tokens", 500),
    window: int = 100_000,
    writer: Writer | None = None,
    tools: Sequence[Callable[..., Any]] = (),
    system_prompt: str | None = None,
    **options: Any,
) -> Contender:
    """``options``: for the middleware that is not ours."""
    model, writer = StrictModel(window=window, reports_usage=False), writer or Writer()
    folder = tempfile.mkdtemp(prefix="context-compaction-") if name == DEEP else ""
    middleware: Any
    if name == OURS:
        middleware = CompactionMiddleware(max_input_tokens=window, trigger=trigger, keep=keep, drafter=writer)
    elif name == LANGCHAIN:
        middleware = SummarizationMiddleware(writer, trigger=trigger, keep=keep, **options)
    elif name == EDITING:
        middleware = ContextEditingMiddleware(edits=[ClearToolUsesEdit(trigger=trigger[1])])
    else:
        from deepagents.backends import FilesystemBackend
        from deepagents.middleware.summarization import SummarizationMiddleware as Deep

        backend = FilesystemBackend(root_dir=folder, virtual_mode=True)
        middleware = Deep(writer, backend=backend, trigger=trigger, keep=keep, **options)
    agent: Any = create_agent(
        model,
        list(tools),
        system_prompt=system_prompt,
        middleware=[middleware],
        checkpointer=InMemorySaver(),
    )
    return Contender(name, model, writer, agent, middleware, folder)
