"""Agents of ours with a strict scripted LLM, and what they are scripted with."""

from __future__ import annotations

import json
from typing import Any

from llama_index.core.base.llms.types import ChatMessage, MessageRole, TextBlock, ToolCallBlock

from llamaindex_compaction import (
    CompactingCodeActAgent,
    CompactingFunctionAgent,
    CompactingReActAgent,
    CompactionMemory,
)
from tests.llamaindex.strict import StrictLLM

KINDS = ("function", "react", "codeact")
WINDOW = 8192
DAYS = 12


def texts(messages: list[ChatMessage]) -> str:
    return "\n".join(message.content or "" for message in messages)


def memory(**options: Any) -> CompactionMemory:
    return CompactionMemory.from_defaults(**{"session_id": "s1", "token_limit": 6000, **options})


def read(day: int) -> str:
    """The log of a day, some two thousand tokens long."""
    return f"Log of day {day}. The keeper's number is {4700 + day}. " + "Nothing to report, all quiet. " * 280


def calling(*days: int, name: str = "read", said: str = "") -> ChatMessage:
    """The model asks for the logs of these days, at once."""
    calls = [ToolCallBlock(tool_call_id=f"c{day}", tool_name=name, tool_kwargs={"day": day}) for day in days]
    return ChatMessage(role=MessageRole.ASSISTANT, blocks=[*([TextBlock(text=said)] if said else []), *calls])


def recalling(**args: Any) -> ChatMessage:
    call = ToolCallBlock(tool_call_id="r1", tool_name="recall", tool_kwargs=args)
    return ChatMessage(role=MessageRole.ASSISTANT, blocks=[call])


def step(kind: str, day: int) -> Any:
    """The same in the form that an agent of this kind looks for."""
    if kind == "react":
        return f"Thought: I need day {day}.\nAction: read\nAction Input: {json.dumps({'day': day})}"
    if kind == "codeact":
        return f"I need day {day}.\n<execute>\nprint(read({day}))\n</execute>"
    return calling(day, said=f"I need day {day}.")


def answer(kind: str, text: str) -> str:
    return f"Thought: I can answer.\nAnswer: {text}" if kind == "react" else text


async def execute(code: str) -> str:
    """Runs what the scripts above hold: ``print(read(n))``."""
    assert code.startswith("print(read(")
    return read(int(code.removeprefix("print(read(").removesuffix("))")))


def agent(kind: str, script: list[Any], window: int = WINDOW, **options: Any) -> Any:
    """An agent of ours; its LLM is ``agent.llm``."""
    llm = StrictLLM(window=window, script=script, calls_functions=kind != "react")
    options = {"llm": llm, "tools": [read], **options}
    if kind == "codeact":
        return CompactingCodeActAgent(execute, **options)
    return {"function": CompactingFunctionAgent, "react": CompactingReActAgent}[kind](**options)
