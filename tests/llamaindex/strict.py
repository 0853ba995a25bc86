"""A scripted LLM that rejects what providers would, and what is too long."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from typing import Any

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseAsyncGen,
    ChatResponseGen,
    CompletionResponse,
    LLMMetadata,
    MessageRole,
    TextBlock,
    ToolCallBlock,
)
from llama_index.core.bridge.pydantic import Field
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.llms.llm import ToolSelection

from tests.checker import independent_count
from tests.provider import Rejected, check


class Overflow(Exception):
    """A request that is longer than the window."""


class StrictLLM(FunctionCallingLLM):
    """Answers from ``script``, and with ``done`` once that is used up; keeps what it was sent in ``seen``."""

    window: int = 1_000_000
    """Tokens of messages and tools that are too many, by a count that is not the package's."""
    script: list[Any] = Field(default_factory=list[Any])
    """Messages, texts, or errors to raise."""
    done: str = "That is all."
    seen: list[list[ChatMessage]] = Field(default_factory=list[list[ChatMessage]])
    sizes: list[int] = Field(default_factory=list[int])
    """Of the requests in ``seen``, in tokens."""
    calls_functions: bool = True
    lenient: bool = False
    """As OpenAI is: tools need not be sent again, and system messages may come late."""

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(
            context_window=self.window,
            is_chat_model=True,
            is_function_calling_model=self.calls_functions,
            model_name="strict",
        )

    def chat(self, messages: Sequence[ChatMessage], tools: Any = (), **_: Any) -> ChatResponse:
        request = [_written(message) for message in messages]
        check(_early(request) if self.lenient else request)
        asks = any(each["role"] == "tool" or each.get("tool_calls") for each in request)
        if asks and not (tools or self.lenient):
            raise Rejected("calls and results, but no tools")
        tokens = independent_count(request) + sum(len(json.dumps(tool)) // 4 for tool in tools)
        if tokens > self.window:
            raise Overflow(f"{tokens} tokens, {self.window} allowed")
        self.seen.append(copy.deepcopy(list(messages)))
        self.sizes.append(tokens)
        answer = self.script.pop(0) if self.script else self.done
        if isinstance(answer, BaseException):
            raise answer
        if isinstance(answer, str):
            answer = ChatMessage(role=MessageRole.ASSISTANT, content=answer)
        return ChatResponse(message=answer.model_copy(deep=True))

    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        return self.chat(messages, **kwargs)

    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        yield from _chunks(self.chat(messages, **kwargs))

    async def astream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseAsyncGen:
        async def generate() -> ChatResponseAsyncGen:
            for chunk in _chunks(self.chat(messages, **kwargs)):
                yield chunk

        return generate()

    def complete(self, prompt: str, *_: Any, **__: Any) -> CompletionResponse:
        return CompletionResponse(text=str(self.chat([ChatMessage(prompt)]).message.content))

    async def acomplete(self, prompt: str, *_: Any, **__: Any) -> CompletionResponse:
        return self.complete(prompt)

    def stream_complete(self, prompt: str, *_: Any, **__: Any) -> Any:
        return iter([self.complete(prompt)])

    async def astream_complete(self, prompt: str, *_: Any, **__: Any) -> Any:
        raise NotImplementedError

    def _prepare_chat_with_tools(  # pyright: ignore[reportIncompatibleMethodOverride] - the rest is **_
        self, tools: Sequence[Any], user_msg: Any = None, chat_history: Any = None, **_: Any
    ) -> dict[str, Any]:
        asked = [ChatMessage(user_msg)] if isinstance(user_msg, str) else [user_msg] if user_msg else []
        return {
            "messages": [*(chat_history or ()), *asked],
            "tools": [tool.metadata.to_openai_tool() for tool in tools],
        }

    def get_tool_calls_from_response(self, response: ChatResponse, *_: Any, **__: Any) -> list[ToolSelection]:
        return [
            ToolSelection(
                tool_id=str(block.tool_call_id), tool_name=block.tool_name, tool_kwargs=block.tool_kwargs
            )
            for block in response.message.blocks
            if isinstance(block, ToolCallBlock) and isinstance(block.tool_kwargs, dict)
        ]


def _chunks(answer: ChatResponse) -> list[ChatResponse]:
    """Half of the text, then all of it, with the calls."""
    text = answer.message.content or ""
    half = ChatMessage(role=MessageRole.ASSISTANT, content=text[: len(text) // 2])
    return [
        ChatResponse(message=half, delta=half.content),
        ChatResponse(message=answer.message, delta=text[len(text) // 2 :]),
    ]


def _early(request: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The system messages first."""
    return sorted(request, key=lambda message: message["role"] != "system")


def _written(message: ChatMessage) -> dict[str, Any]:
    """As providers' packages write it: blocks first, ``additional_kwargs`` where there are none."""
    kwargs = message.additional_kwargs
    written: dict[str, Any] = {"role": message.role.value, "content": _content(message)}
    calls = [_call(block) for block in message.blocks if isinstance(block, ToolCallBlock)]
    if calls or kwargs.get("tool_calls"):
        written["tool_calls"] = calls or kwargs["tool_calls"]
    if message.role == MessageRole.TOOL:
        written["tool_call_id"] = kwargs.get("tool_call_id")
    return written


def _content(message: ChatMessage) -> Any:
    if all(isinstance(block, (TextBlock, ToolCallBlock)) for block in message.blocks):
        return message.content or ""
    return [
        {"type": "text", "text": block.text}
        if isinstance(block, TextBlock)
        else {"type": f"{block.block_type}", "text": ""}
        for block in message.blocks
        if not isinstance(block, ToolCallBlock)
    ]


def _call(block: ToolCallBlock) -> dict[str, Any]:
    arguments = block.tool_kwargs if isinstance(block.tool_kwargs, str) else json.dumps(block.tool_kwargs)
    function = {"name": block.tool_name, "arguments": arguments}
    return {"id": block.tool_call_id, "type": "function", "function": function}
