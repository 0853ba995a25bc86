"""A scripted chat model that rejects what OpenAI or Anthropic would: pairing, roles, ids, content, size.

Written from the providers' rules, on plain dicts; nothing of the package is asked.
"""

from __future__ import annotations

import json
import re
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

ID = re.compile(r"[a-zA-Z0-9_-]+")


class Rejected(AssertionError):
    """A request that a provider answers with status 400."""


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


def check(request: Sequence[dict[str, Any]]) -> None:
    """Raises `Rejected`."""
    if not request:
        raise Rejected("no messages")
    body = [message for message in request if message["role"] != "system"]
    head = request[: len(request) - len(body)]
    if any(message["role"] != "system" for message in head):
        raise Rejected("a system message stands behind the first other message")
    if not body or body[0]["role"] != "user":
        raise Rejected(f"the first message is {body[0]['role'] if body else 'missing'}, not the user's")
    if body[-1]["role"] == "assistant":
        raise Rejected("the last message is the assistant's: a prefill")
    for place, message in enumerate(request):
        _content(place, message)
    _pairs(body)


def _content(place: int, message: dict[str, Any]) -> None:
    if message["role"] not in ("system", "user", "assistant", "tool"):
        raise Rejected(f"message {place} has the role {message['role']!r}")
    if message["role"] == "tool":
        return  # results may be empty
    text = _text(message.get("content"))
    if not text.strip() and not message.get("tool_calls"):
        raise Rejected(f"message {place} ({message['role']}) says nothing")


def _text(content: Any) -> str:
    if isinstance(content, str) or content is None:
        return content or ""
    return "\n".join(part.get("text") or f"<{part['type']}>" for part in content)


def _pairs(body: Sequence[dict[str, Any]]) -> None:
    """Calls are answered right behind them, each once, before anything else is said."""
    open_calls: list[str] = []
    for place, message in enumerate(body):
        if message["role"] == "tool":
            if message.get("tool_call_id") not in open_calls:
                raise Rejected(
                    f"the result at {place} answers no call before it: {message.get('tool_call_id')!r}"
                )
            open_calls.remove(message["tool_call_id"])
            continue
        if open_calls:
            raise Rejected(f"no result for {open_calls} before message {place}")
        open_calls = [_called(place, call) for call in message.get("tool_calls") or ()]
        if len(set(open_calls)) != len(open_calls):
            raise Rejected(f"message {place} calls twice by one id: {open_calls}")
    if open_calls:
        raise Rejected(f"no result for {open_calls} at the end")


def _called(place: int, call: dict[str, Any]) -> str:
    function = call["function"]
    if not isinstance(json.loads(function["arguments"]), dict):
        raise Rejected(f"message {place}: arguments are no object: {function['arguments']!r}")
    if not ID.fullmatch(call["id"] or "") or not ID.fullmatch(function["name"] or ""):
        raise Rejected(f"message {place}: id {call['id']!r}, name {function['name']!r}")
    return call["id"]
