"""A recorded conversation driven through an agent: model and tools say what they said."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from llama_index.core.agent.workflow import AgentWorkflow
from llama_index.core.base.llms.types import ChatMessage, MessageRole, TextBlock, ToolCallBlock
from llama_index.core.tools import FunctionTool

from context_compaction import CannotCompact
from llamaindex_compaction import CompactingFunctionAgent, CompactingReActAgent, CompactionMemory
from tests.llamaindex.strict import StrictLLM


class Unanswered(BaseException):
    """Nobody answers a call of the recording: the run ends there."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What is said to the agent, what the model answers step by step, and the results of its calls."""

    asked: str
    answers: list[dict[str, Any]]
    results: dict[str, str]


def turns(messages: Sequence[dict[str, Any]]) -> Iterator[Turn]:
    """System messages aside, which are the prompt; where a recording goes on by itself, it is told to."""
    turn, begun = Turn("Begin.", [], {}), False
    for message in messages:
        match message["role"]:
            case "tool":
                turn.results[message["tool_call_id"]] = message["content"] or ""
            case "assistant":
                if turn.answers and not _goes_on(turn):
                    yield turn
                    turn = Turn("Go on.", [], {})
                turn.answers.append(message)
            case "user":
                if begun:
                    yield turn
                turn = Turn(message["content"] or "...", [], {})
        begun = begun or message["role"] != "system"
    if begun:
        yield turn


def _goes_on(turn: Turn) -> bool:
    """Whether an agent asks its model again: all that it called was answered."""
    calls = turn.answers[-1].get("tool_calls") or ()
    return bool(calls) and all(call["id"] in turn.results for call in calls)


@dataclass(slots=True)
class Driven:
    """An agent with our memory, and what became of it."""

    agent: Any
    llm: StrictLLM
    memory: CompactionMemory
    results: dict[str, str]
    script: Any
    refused: list[CannotCompact] = field(default_factory=list[CannotCompact])
    unanswered: int = 0

    async def turn(self, turn: Turn) -> None:
        self.llm.script = [self.script(answer) for answer in turn.answers]
        self.results.clear()
        self.results.update(turn.results)
        try:
            await self.agent.run(turn.asked, memory=self.memory, max_iterations=10_000)
        except CannotCompact as error:
            self.refused.append(error)
        except Unanswered:
            self.unanswered += 1


def driven(messages: Sequence[dict[str, Any]], window: int, kind: str, **options: Any) -> Driven:
    """An agent for this conversation, with its prompt and its tools; the memory knows no window."""
    prompt = "\n".join(str(each["content"]) for each in messages if each["role"] == "system") or None
    names = {call["function"]["name"] for each in messages for call in each.get("tool_calls") or ()}
    llm = StrictLLM(window=window, calls_functions=kind != "react")
    results: dict[str, str] = {}
    tools = [_tool(name, results) for name in sorted(names)]
    memory = CompactionMemory.from_defaults(session_id="s1", **options)
    kinds = {"react": CompactingReActAgent}
    agent: Any = kinds.get(kind, CompactingFunctionAgent)(
        tools=tools, llm=llm, system_prompt=prompt, streaming=kind != "workflow"
    )
    if kind == "workflow":
        agent = AgentWorkflow(agents=[agent])
    return Driven(agent, llm, memory, results, _thought if kind == "react" else _message)


def _tool(name: str, results: dict[str, str]) -> FunctionTool:
    def given(call_id: str, **rest: Any) -> str:
        if call_id not in results:
            raise Unanswered(call_id)
        return results[call_id]

    return FunctionTool.from_defaults(given, name=name, description=f"The {name} of the recording.")


def _message(answer: dict[str, Any]) -> ChatMessage:
    """With the id in the arguments, by which a tool knows what it gave."""
    text = [TextBlock(text=answer["content"])] if answer.get("content") else []
    calls = [
        ToolCallBlock(
            tool_call_id=call["id"], tool_name=call["function"]["name"], tool_kwargs=_arguments(call)
        )
        for call in answer.get("tool_calls") or ()
    ]
    return ChatMessage(role=MessageRole.ASSISTANT, blocks=[*text, *calls] or [TextBlock(text="...")])


def _thought(answer: dict[str, Any]) -> str:
    """As ReAct's prompt asks for it; of several calls the first is made."""
    said = plain(answer.get("content") or "so be it")
    for call in answer.get("tool_calls") or ():
        action = f"Action: {call['function']['name']}\nAction Input: {json.dumps(_arguments(call))}"
        return f"Thought: {said}\n{action}"
    return f"Thought: I can answer.\nAnswer: {said}"


def plain(text: str) -> str:
    """Without the words that ReAct's parser looks for."""
    return text.replace("Action", "action").replace("Answer", "answer")


def _arguments(call: dict[str, Any]) -> dict[str, Any]:
    given = json.loads(call["function"]["arguments"] or "{}")
    return {"call_id": call["id"], **(given if isinstance(given, dict) else {"given": given})}
