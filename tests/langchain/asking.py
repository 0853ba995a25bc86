"""An agent that is handed a whole conversation and asks its model: what was the model sent?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from langchain.agents import create_agent
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver

from context_compaction import Session
from langchain_compaction import CompactionMiddleware
from tests.langchain.strict import StrictModel

THREAD: Any = {"configurable": {"thread_id": "t1"}, "recursion_limit": 10_000}


@dataclass(frozen=True, slots=True)
class Asking:
    """The agent, its model, and the middleware between them."""

    agent: Any
    model: StrictModel
    middleware: CompactionMiddleware

    def ask(self, *messages: BaseMessage, config: Any = THREAD) -> list[BaseMessage]:
        """What the model is sent last when these are added to the state."""
        self.agent.invoke({"messages": list(messages)}, config)
        return self.model.seen[-1]

    async def aask(self, *messages: BaseMessage, config: Any = THREAD) -> list[BaseMessage]:
        await self.agent.ainvoke({"messages": list(messages)}, config)
        return self.model.seen[-1]

    @property
    def session(self) -> Session:
        return self.middleware.session(THREAD)

    @property
    def state(self) -> list[BaseMessage]:
        return self.agent.get_state(THREAD).values["messages"]

    @property
    def commits(self) -> int:
        return sum(event.committed for event in self.session.events)


def asking(
    *around: Any,
    window: int = 4096,
    model: StrictModel | None = None,
    tools: Sequence[Any] = (),
    system_prompt: str | None = None,
    checkpointer: Any = None,
    inside: Sequence[Any] = (),
    **options: Any,
) -> Asking:
    """``around``, ``inside``: other middleware outside and inside of ours, which takes ``options``."""
    options.setdefault("archive", ":memory:")
    model = model or StrictModel(window=window)
    middleware = CompactionMiddleware(max_input_tokens=window, **options)
    agent = create_agent(
        model,
        list(tools),
        system_prompt=system_prompt,
        middleware=[*around, middleware, *inside],
        checkpointer=checkpointer or InMemorySaver(),
    )
    return Asking(agent, model, middleware)


def call(number: int, count: int = 1, name: str = "look", **arguments: Any) -> AIMessage:
    """One message with so many calls at once: ``c3-0``, ``c3-1``, ..."""
    args = arguments or {"place": f"room {number}"}
    return AIMessage(
        "", tool_calls=[{"name": name, "args": args, "id": f"c{number}-{place}"} for place in range(count)]
    )


def result(number: int, place: int = 0, text: str = "", words: int = 60) -> ToolMessage:
    said = text or f"room {number}.{place} is " + "quite empty " * words
    return ToolMessage(said, tool_call_id=f"c{number}-{place}", name="look")


def steps(count: int, *, first: int = 0, width: int = 1, words: int = 60) -> list[BaseMessage]:
    """An agent's steps: a call of so many tools at once, and their results."""
    out: list[BaseMessage] = []
    for number in range(first, first + count):
        out += [call(number, width), *(result(number, place, words=words) for place in range(width))]
    return out


def chat(turns: int, *, words: int = 40) -> list[BaseMessage]:
    out: list[BaseMessage] = []
    for turn in range(turns):
        out += [
            HumanMessage(f"question {turn} about boats " + "and more " * words),
            AIMessage(f"answer {turn} about boats " + "and so on " * words),
        ]
    return out


def texts(messages: Sequence[BaseMessage]) -> str:
    return "\n".join(str(message.text) for message in messages)
