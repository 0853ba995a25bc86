"""Messages to fill a memory with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llama_index.core.base.llms import types as li
from llama_index.core.base.llms.types import ChatMessage, MessageRole


def user(text: str, **kwargs: Any) -> ChatMessage:
    return ChatMessage(role=MessageRole.USER, content=text, additional_kwargs=kwargs)


def answer(text: str) -> ChatMessage:
    return ChatMessage(role=MessageRole.ASSISTANT, content=text)


def called(call_id: str, name: str = "look", **arguments: Any) -> ChatMessage:
    """As OpenAI's integration leaves it: in both representations."""
    block = li.ToolCallBlock(tool_call_id=call_id, tool_name=name, tool_kwargs=arguments)
    return ChatMessage(role=MessageRole.ASSISTANT, blocks=[block])


def result(call_id: str, text: str) -> ChatMessage:
    return ChatMessage(role=MessageRole.TOOL, content=text, additional_kwargs={"tool_call_id": call_id})


def turns(count: int, words: int = 30) -> Iterator[list[ChatMessage]]:
    """Turns that are alike but for their number."""
    for number in range(count):
        yield [
            user(f"What of boat {number}? " + "And more of it, please. " * (words // 5)),
            answer(f"Boat {number} has captain {number}. " + "So it is written. " * (words // 4)),
        ]


def tool_turns(count: int, lines: int = 20) -> Iterator[list[ChatMessage]]:
    """Turns with a call each."""
    for number in range(count):
        yield [
            user(f"Look at boat {number}."),
            called(f"c{number}", at=f"boat-{number}"),
            result(f"c{number}", f"boat {number}\n" + f"line of boat {number}\n" * lines),
            answer(f"Boat {number} floats."),
        ]


def texts(messages: list[ChatMessage]) -> list[str | None]:
    return [message.content for message in messages]
