"""`CompactingReActAgent`: LlamaIndex's ReActAgent, inside its window."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, ClassVar

from llama_index.core.agent.react.types import (
    ActionReasoningStep,
    ObservationReasoningStep,
    ResponseReasoningStep,
)
from llama_index.core.agent.workflow import AgentOutput, ReActAgent
from llama_index.core.base.llms.types import ChatMessage, MessageRole, TextBlock, ToolCallBlock

from llamaindex_compaction.agents.mixin import CompactionMixin
from llamaindex_compaction.messages import from_llamaindex


class CompactingReActAgent(CompactionMixin, ReActAgent):
    """A ReActAgent whose turns may be as long as they like.

    Its memory keeps thoughts and actions as messages with tool calls, and observations as their results, so
    that they are compacted as such, and an agent that calls functions can go on with them. The model reads
    them in ReAct's own form. LlamaIndex's keeps one message of the whole turn's text.
    """

    pad: ClassVar[str] = "current_reasoning"

    def head(self) -> list[ChatMessage]:
        """The first system message is left out by the agent, so that there must be one of its own."""
        return [ChatMessage(role=MessageRole.SYSTEM, content=self.system_prompt or "")]

    def beside(self, tools: Sequence[Any]) -> tuple[list[ChatMessage], Sequence[Any]]:
        """The prompt, with the tools described in it."""
        return self.formatter.format(tools, chat_history=[]), []

    def asked(self, output: AgentOutput, gathered: list[Any]) -> ChatMessage:
        """The thought, and the action as a call."""
        thoughts = [step.thought for step in gathered if isinstance(step, ActionReasoningStep)]
        calls = [
            ToolCallBlock(
                tool_call_id=call.tool_id,
                tool_name=call.tool_name,
                tool_kwargs=json.loads(json.dumps(call.tool_kwargs)),  # the parser's are classes of its own
            )
            for call in output.tool_calls
        ]
        return ChatMessage(
            role=MessageRole.ASSISTANT, blocks=[*(TextBlock(text=thought) for thought in thoughts), *calls]
        )

    def told(self, kept: list[ChatMessage]) -> list[ChatMessage]:
        """Calls as thoughts and actions, results as observations.

        An empty answer, which LlamaIndex's agent shows its model, is left out: providers reject it.
        """
        return [self._told(message) for message in kept if not _is_empty(message)]

    def is_answer(self, gathered: Any) -> bool:
        """A response step."""
        return isinstance(gathered, ResponseReasoningStep)

    def _told(self, message: ChatMessage) -> ChatMessage:
        if message.role == MessageRole.TOOL:
            step = ObservationReasoningStep(observation=message.content or "")
            return ChatMessage(role=self.formatter.observation_role, content=step.get_content())
        calls = from_llamaindex(message).tool_calls
        if not calls:
            return message
        lines = [f"Thought: {message.content}"] if message.content else []
        lines += [f"Action: {call.name}\nAction Input: {call.arguments}" for call in calls]
        return ChatMessage(role=MessageRole.ASSISTANT, content="\n".join(lines))


def _is_empty(message: ChatMessage) -> bool:
    """Whether it is an answer of nothing; a result may be."""
    return message.role == MessageRole.ASSISTANT and all(
        isinstance(block, TextBlock) and not block.text.strip() for block in message.blocks
    )
