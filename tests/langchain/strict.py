"""A scripted chat model that rejects what providers would, and what is too long."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from langchain_core.exceptions import ContextOverflowError
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.utils import convert_to_openai_messages
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import Field

from tests.checker import independent_count
from tests.provider import check


class StrictModel(BaseChatModel):
    """Answers from ``script``, and with ``done`` once that is used up; keeps what it was sent in ``seen``."""

    window: int = 1_000_000
    """Tokens of messages and tools that are too many, by a count that is not the package's."""
    script: list[AIMessage] = Field(default_factory=list[AIMessage])
    done: str = "That is all."
    seen: list[list[BaseMessage]] = Field(default_factory=list[list[BaseMessage]])
    offered: list[Any] = Field(default_factory=list[Any])
    """The tools of the last request."""
    reports_usage: bool = True
    overflows: int = 0
    """Requests that were too long."""

    @property
    def _llm_type(self) -> str:
        return "strict"

    def bind_tools(self, tools: Sequence[Any], **_: Any) -> Any:
        self.offered = [convert_to_openai_tool(tool) for tool in tools]
        return self

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=self._answer(messages))])

    def _stream(
        self, messages: list[BaseMessage], *args: Any, **kwargs: Any
    ) -> Iterator[ChatGenerationChunk]:
        answer = self._answer(messages)
        yield ChatGenerationChunk(
            message=AIMessageChunk(
                content=answer.content,
                tool_calls=answer.tool_calls,
                usage_metadata=answer.usage_metadata,
            )
        )

    def _answer(self, messages: list[BaseMessage]) -> AIMessage:
        request = [_written(message) for message in messages]
        check(request)
        tokens = independent_count(request) + sum(len(json.dumps(tool)) // 4 for tool in self.offered)
        if tokens > self.window:
            self.overflows += 1
            raise ContextOverflowError(f"{tokens} tokens, {self.window} allowed")
        self.seen.append(list(messages))
        answer = self.script.pop(0) if self.script else AIMessage(self.done)
        if not self.reports_usage:
            return answer
        said = independent_count(convert_to_openai_messages([answer]))  # pyright: ignore[reportArgumentType]
        usage = {"input_tokens": tokens, "output_tokens": said, "total_tokens": tokens + said}
        return answer.model_copy(update={"usage_metadata": usage})


def _written(message: BaseMessage) -> dict[str, Any]:
    """As providers' packages write it: calls whose arguments are no JSON are sent, too."""
    [written] = convert_to_openai_messages([message])  # pyright: ignore[reportGeneralTypeIssues]
    if isinstance(message, AIMessage):
        for call in message.invalid_tool_calls:
            function = {"name": call["name"], "arguments": "{}"}
            written.setdefault("tool_calls", []).append({"id": call["id"], "function": function})  # pyright: ignore[reportAttributeAccessIssue]
    return written  # pyright: ignore[reportReturnType]
