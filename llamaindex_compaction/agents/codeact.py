"""`CompactingCodeActAgent`: LlamaIndex's CodeActAgent, inside its window."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, TypeGuard, cast

from llama_index.core.agent.workflow import AgentOutput, CodeActAgent
from llama_index.core.agent.workflow.codeact_agent import EXECUTE_TOOL_NAME
from llama_index.core.base.llms.types import ChatMessage, MessageRole, TextBlock, ToolCallBlock

from llamaindex_compaction.agents.mixin import CompactionMixin

CODE = re.compile(r"<execute>.*?</execute>", re.DOTALL)
RESULT = "Result of executing the code given:\n\n{}"
"""What the agent tells its model of a result."""


class CompactingCodeActAgent(CompactionMixin, CodeActAgent):
    """A CodeActAgent whose turns may be as long as they like.

    Its memory keeps code as calls of the tool ``execute``, and what it printed as their results; so the
    user's question is not taken for an old one because code was run since. The model reads them in the form
    that LlamaIndex's agent has. All options but the window's are CodeActAgent's.
    """

    def __init__(
        self,
        *args: Any,
        context_window: int | None = None,
        reserve_tokens: int | None = None,
        context_management: list[dict[str, Any]] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)  # pyright: ignore[reportUnknownMemberType]
        self.context_window = context_window
        self.reserve_tokens = reserve_tokens
        self.context_management = context_management

    def head(self) -> list[ChatMessage]:
        """The first system message is overwritten by the agent, so that there must be one of its own."""
        return [ChatMessage(role=MessageRole.SYSTEM, content=self.system_prompt or "")]

    def beside(self, tools: Sequence[Any]) -> tuple[list[ChatMessage], Sequence[Any]]:
        """The prompt, with the functions described in it, and the one tool that is called as such."""
        prompt = self.code_act_system_prompt.format(  # pyright: ignore[reportAttributeAccessIssue] - a template, since it was validated
            tool_descriptions=self._get_tool_descriptions(tools)
        )
        called = [tool for tool in tools if tool.metadata.name == "handoff"]
        return [ChatMessage(role=MessageRole.SYSTEM, content=prompt)], called

    def asked(self, output: AgentOutput, gathered: list[Any]) -> ChatMessage:  # noqa: ARG002 - the mixin's
        """What was said around the code, the code as a call where it stood, and other calls."""
        calls = [
            ToolCallBlock(tool_call_id=call.tool_id, tool_name=call.tool_name, tool_kwargs=call.tool_kwargs)
            for call in output.tool_calls
        ]
        *before, after = CODE.split(output.response.content or "")
        blocks = [*_texts(before), *filter(_is_code, calls), *_texts([after])]
        return ChatMessage(
            role=MessageRole.ASSISTANT, blocks=[*blocks, *(call for call in calls if not _is_code(call))]
        )

    def told(self, kept: list[ChatMessage]) -> list[ChatMessage]:
        """Calls of code as code, and their results as the user's words."""
        run = {block.tool_call_id for message in kept for block in message.blocks if _is_code(block)}
        return [
            _printed(message) if message.additional_kwargs.get("tool_call_id") in run else _written(message)
            for message in kept
        ]


def _is_code(block: Any) -> TypeGuard[ToolCallBlock]:
    return isinstance(block, ToolCallBlock) and block.tool_name == EXECUTE_TOOL_NAME


def _texts(parts: Sequence[str]) -> Iterator[TextBlock]:
    return (TextBlock(text=part) for part in parts if part.strip())


def _printed(message: ChatMessage) -> ChatMessage:
    return ChatMessage(role=MessageRole.USER, content=RESULT.format(message.content or ""))


def _written(message: ChatMessage) -> ChatMessage:
    if not any(_is_code(block) for block in message.blocks):
        return message
    text = "".join(map(_text, message.blocks))
    others = [block for block in message.blocks if isinstance(block, ToolCallBlock) and not _is_code(block)]
    return ChatMessage(role=message.role, blocks=[TextBlock(text=text), *others])


def _text(block: Any) -> str:
    if isinstance(block, TextBlock):
        return block.text
    if not _is_code(block):
        return ""
    arguments: Any = block.tool_kwargs
    code = cast("dict[str, Any]", arguments).get("code", "") if isinstance(arguments, dict) else arguments
    return f"<execute>\n{code}\n</execute>"
