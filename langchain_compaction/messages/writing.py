"""From the engine's messages to LangChain's."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, cast

from langchain_core.messages import BaseMessage

from context_compaction import InvalidMessage, Message
from langchain_compaction.messages.kinds import CLASSES, FORMAT
from langchain_compaction.messages.making import made
from langchain_compaction.messages.plain import from_plain
from langchain_compaction.messages.rewriting import rewrite, text_of


def to_langchain(message: Message) -> BaseMessage:
    """The LangChain message that was read, equal; for an edited one with what it shows now.

    A message of another origin (OpenAI's format, LlamaIndex, the engine's context message) is made from its
    blocks. Raises `InvalidMessage` when its record of LangChain's fields cannot be read.
    """
    if message.format != FORMAT or message.raw is None:
        return made(message)
    try:
        kind, fields = _recorded(message.raw)
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidMessage(f"its record of LangChain's fields cannot be read: {error}") from error
    if message.edited:
        rewrite(message, fields)
    elif "content" not in fields:
        fields["content"] = text_of(message.blocks)
    return _restored(kind, fields)


def write_all(messages: Iterable[Message]) -> list[BaseMessage]:
    """All of them."""
    return [to_langchain(message) for message in messages]


def _recorded(raw: str) -> tuple[type[BaseMessage], dict[str, Any]]:
    record = json.loads(raw)
    fields = from_plain(record["data"])
    return CLASSES[record["type"]], cast("dict[str, Any]", fields)


def _restored(kind: type[BaseMessage], fields: dict[str, Any]) -> BaseMessage:
    """Built with LangChain's validation; what this derives anew for itself is then set as it was."""
    message = kind(**fields)
    for name, value in fields.items():
        if getattr(message, name) != value:
            setattr(message, name, value)
    return message
