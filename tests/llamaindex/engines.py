"""LlamaIndex's chat engines and agents around a memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from llama_index.core.agent.workflow import AgentWorkflow, FunctionAgent, ReActAgent
from llama_index.core.base.llms.types import ChatMessage, MessageRole
from llama_index.core.base.llms.types import ToolCallBlock as CallBlock
from llama_index.core.chat_engine import (
    CondensePlusContextChatEngine,
    ContextChatEngine,
    SimpleChatEngine,
)
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from llamaindex_compaction import CompactionMemory
from tests.llamaindex.strict import StrictLLM

if TYPE_CHECKING:
    from llama_index.core.chat_engine.types import BaseChatEngine


class Found(BaseRetriever):
    """Finds always the same."""

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return [NodeWithScore(node=TextNode(text="Boats are kept in the harbour."), score=1.0)]


def _simple(llm: StrictLLM, memory: CompactionMemory) -> BaseChatEngine:
    return SimpleChatEngine.from_defaults(llm=llm, memory=memory, system_prompt="You know boats.")


def _context(llm: StrictLLM, memory: CompactionMemory) -> BaseChatEngine:
    return ContextChatEngine.from_defaults(
        retriever=Found(), llm=llm, memory=memory, system_prompt="You know boats."
    )


def _condense(llm: StrictLLM, memory: CompactionMemory) -> BaseChatEngine:
    return CondensePlusContextChatEngine.from_defaults(
        retriever=Found(), llm=llm, memory=memory, system_prompt="You know boats.", skip_condense=True
    )


ENGINES: dict[str, Callable[[StrictLLM, CompactionMemory], BaseChatEngine]] = {
    "simple": _simple,
    "context": _context,
    "condense_plus_context": _condense,
}


def look(at: str) -> str:
    """Look at a boat."""
    return f"{at} floats.\n" + f"A line of {at}'s log.\n" * 12


def function_agent(llm: StrictLLM, **options: Any) -> FunctionAgent:
    return FunctionAgent(name="sailor", tools=[look], llm=llm, system_prompt="You know boats.", **options)


def react_agent(llm: StrictLLM, **options: Any) -> ReActAgent:
    return ReActAgent(name="sailor", tools=[look], llm=llm, **options)


def workflow(llm: StrictLLM, **options: Any) -> AgentWorkflow:
    return AgentWorkflow(agents=[function_agent(llm, **options)], root_agent="sailor")


def calls(number: int, count: int = 1) -> ChatMessage:
    """An answer that calls the tool, in both representations, as OpenAI's integration gives it."""
    blocks = [
        CallBlock(tool_call_id=f"c{number}_{each}", tool_name="look", tool_kwargs={"at": f"boat {number}"})
        for each in range(count)
    ]
    written = [
        {"id": block.tool_call_id, "function": {"name": "look", "arguments": f'{{"at": "boat {number}"}}'}}
        for block in blocks
    ]
    return ChatMessage(role=MessageRole.ASSISTANT, blocks=blocks, additional_kwargs={"tool_calls": written})


def reasons(number: int) -> str:
    """The same from a model that writes ReAct."""
    return f'Thought: I look.\nAction: look\nAction Input: {{"at": "boat {number}"}}'
