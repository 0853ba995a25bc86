"""Texts, messages, lists and prompt values, as a chain may take or give them, read as messages."""

from __future__ import annotations

from typing import Any, cast

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, convert_to_messages
from langchain_core.prompt_values import PromptValue

from langchain_compaction.errors import NotMessages


def input_messages(value: Any, where: str = "the input") -> list[BaseMessage]:
    """What was said to the model; text is the user's. Raises `NotMessages`."""
    return [HumanMessage(value)] if isinstance(value, str) else _messages(value, where)


def output_messages(value: Any, where: str = "the output") -> list[BaseMessage]:
    """What was answered; text is the model's. Raises `NotMessages`."""
    return [AIMessage(value)] if isinstance(value, str) else _messages(value, where)


def _messages(value: Any, where: str) -> list[BaseMessage]:
    if isinstance(value, BaseMessage):
        return [value]
    if isinstance(value, PromptValue):
        return value.to_messages()
    if isinstance(value, (list, tuple)):
        try:
            return convert_to_messages(list(cast("list[Any]", value)))
        except (NotImplementedError, ValueError, TypeError, KeyError) as error:
            raise NotMessages(cast("object", value), where) from error
    raise NotMessages(cast("object", value), where)
