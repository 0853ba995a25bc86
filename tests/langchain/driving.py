"""A recorded conversation driven through `create_agent`: model and tools say what they said."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage, convert_to_messages
from langchain_core.tools import StructuredTool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.types import interrupt

from context_compaction import CannotCompact
from langchain_compaction import CompactionMiddleware
from tests.langchain.strict import StrictModel

THREAD: Any = {"configurable": {"thread_id": "t1"}, "recursion_limit": 10_000}


@contextmanager
def saver(kind: str, folder: Path) -> Iterator[Any]:
    if kind == "memory":
        yield InMemorySaver()
    else:
        with SqliteSaver.from_conn_string(str(folder / "checkpoints.db")) as opened:
            yield opened


@asynccontextmanager
async def asaver(kind: str, folder: Path) -> AsyncIterator[Any]:
    if kind == "memory":
        yield InMemorySaver()
    else:
        async with AsyncSqliteSaver.from_conn_string(str(folder / "checkpoints.db")) as opened:
            yield opened


class Results(AgentMiddleware[Any, Any, Any]):
    """Gives what the recording has for a call; a call that nobody answered waits for a human, for good."""

    def __init__(self) -> None:
        super().__init__()
        self.known: dict[str, str] = {}

    def wrap_tool_call(self, request: Any, handler: Any) -> Any:
        if request.tool is not None and request.tool.name == "recall":
            return handler(request)
        return self._given(request.tool_call)

    async def awrap_tool_call(self, request: Any, handler: Any) -> Any:
        if request.tool is not None and request.tool.name == "recall":
            return await handler(request)
        return self._given(request.tool_call)

    def _given(self, call: Any) -> ToolMessage:
        if call["id"] not in self.known:
            interrupt("nobody answers")
        return ToolMessage(self.known[call["id"]], tool_call_id=call["id"], name=call["name"])


@dataclass(frozen=True, slots=True)
class Turn:
    """What is said to the agent, what the model answers step by step, and the results of its calls."""

    asked: list[BaseMessage]
    answers: list[AIMessage]
    results: dict[str, str]


def turns(messages: Sequence[dict[str, Any]]) -> Iterator[Turn]:
    """System messages aside: they are the agent's prompt."""
    asked: list[BaseMessage] = []
    answers: list[AIMessage] = []
    results: dict[str, str] = {}
    for message in convert_to_messages([_plain(each) for each in messages if each["role"] != "system"]):
        if isinstance(message, ToolMessage):
            results[message.tool_call_id] = str(message.text)
        elif isinstance(message, AIMessage) and (answers or any(each.type == "human" for each in asked)):
            answers.append(message)
        elif answers:
            yield Turn(asked, answers, results)
            asked, answers, results = [message], [], {}
        else:
            asked.append(message)
    if asked:
        yield Turn(asked, answers, results)


def _plain(message: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in message.items() if key in KEYS and value is not None} | {
        "content": message.get("content") or ""
    }


KEYS = {"role", "content", "tool_calls", "tool_call_id", "name"}


@dataclass(slots=True)
class Driven:
    """An agent with our middleware, and what became of it."""

    agent: Any
    model: StrictModel
    results: Results
    middleware: CompactionMiddleware
    refused: list[CannotCompact] = field(default_factory=list[CannotCompact])

    def turn(self, turn: Turn) -> None:
        self._script(turn)
        try:
            self.agent.invoke({"messages": turn.asked}, THREAD)
        except CannotCompact as error:
            self.refused.append(error)

    async def aturn(self, turn: Turn) -> None:
        self._script(turn)
        try:
            await self.agent.ainvoke({"messages": turn.asked}, THREAD)
        except CannotCompact as error:
            self.refused.append(error)

    def _script(self, turn: Turn) -> None:
        self.model.script = list(turn.answers)
        self.results.known = turn.results


def driven(messages: Sequence[dict[str, Any]], window: int, checkpointer: Any, **options: Any) -> Driven:
    """An agent for this conversation: its prompt, its tools, and the middleware with ``options``."""
    prompt = "\n".join(str(each["content"]) for each in messages if each["role"] == "system")
    names = {call["function"]["name"] for each in messages for call in each.get("tool_calls") or ()}
    model, results = StrictModel(window=window), Results()
    middleware = CompactionMiddleware(max_input_tokens=window, **options)
    agent = create_agent(
        model,
        [_tool(name) for name in sorted(names)],
        system_prompt=prompt or None,
        middleware=[middleware, results],
        checkpointer=checkpointer,
    )
    return Driven(agent, model, results, middleware)


def _tool(name: str) -> StructuredTool:
    return StructuredTool(
        name=name,
        description=f"The {name} of the recording.",
        args_schema={"type": "object", "properties": {}},
        func=lambda **_: "",
    )
