"""A recorded conversation driven through `create_agent`: model and tools say what they said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage, convert_to_messages
from langchain_core.tools import StructuredTool
from langgraph.types import interrupt

from context_compaction import CannotCompact
from langchain_compaction import CompactionMiddleware
from tests.langchain.strict import StrictModel

THREAD: Any = {"configurable": {"thread_id": "t1"}, "recursion_limit": 10_000}


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
    """System messages aside, which are the prompt; where a recording goes on by itself, it is told to."""
    turn = Turn([], [], {})
    for message in convert_to_messages([_plain(each) for each in messages if each["role"] != "system"]):
        if isinstance(message, ToolMessage):
            turn.results[message.tool_call_id] = str(message.text)
        elif isinstance(message, AIMessage):
            if turn.answers and not _goes_on(turn):
                yield turn
                turn = Turn([HumanMessage("Go on.")], [], {})
            begun = any(each.type == "human" for each in turn.asked)
            (turn.answers if begun else turn.asked).append(message)
        else:
            if turn.answers:
                yield turn
                turn = Turn([], [], {})
            turn.asked.append(message)
    if turn.asked:
        yield turn


def _goes_on(turn: Turn) -> bool:
    """Whether an agent asks its model again: all that it called was answered."""
    calls = turn.answers[-1].tool_calls
    return bool(calls) and all(call["id"] in turn.results for call in calls)


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
    mode: str = "view"
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
    options.setdefault("archive", ":memory:")
    middleware = CompactionMiddleware(max_input_tokens=window, **options)
    agent = create_agent(
        model,
        [_tool(name) for name in sorted(names)],
        system_prompt=prompt or None,
        middleware=[middleware, results],
        checkpointer=checkpointer,
    )
    return Driven(agent, model, results, middleware, options.get("mode", "view"))


def _tool(name: str) -> StructuredTool:
    return StructuredTool(
        name=name,
        description=f"The {name} of the recording.",
        args_schema={"type": "object", "properties": {}},
        func=lambda **_: "",
    )
