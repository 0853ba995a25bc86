"""From the engine's messages to LlamaIndex's."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from llama_index.core.base.llms.types import ChatMessage, MessageRole

from context_compaction import InvalidMessage, Message
from llamaindex_compaction.messages.kinds import FORMAT
from llamaindex_compaction.messages.making import made, texts_of
from llamaindex_compaction.messages.records import CODEC
from llamaindex_compaction.messages.rewriting import rewrite


def to_llamaindex(message: Message) -> ChatMessage:
    """The LlamaIndex message that was read, equal and of its own; for an edited one with what it shows now.

    A message of another origin (OpenAI's format, LangChain, the engine's context message) is made from its
    blocks. Raises `InvalidMessage` when its record of LlamaIndex's fields cannot be read.
    """
    if message.format != FORMAT or message.raw is None:
        return made(message)
    try:
        fields = CODEC.read(json.loads(message.raw))
        role = MessageRole(fields["role"])
        kwargs = fields["additional_kwargs"]
        blocks: list[Any] = fields["blocks"] if "blocks" in fields else texts_of(message)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InvalidMessage(f"its record of LlamaIndex's fields cannot be read: {error}") from error
    if message.edited:
        blocks, kwargs = rewrite(message, blocks, kwargs)
    # Unvalidated: LlamaIndex would look for files, and make images that are blocks already once more.
    return ChatMessage.model_construct(role=role, additional_kwargs=kwargs, blocks=blocks)


def write_all(messages: Iterable[Message]) -> list[ChatMessage]:
    """All of them."""
    return [to_llamaindex(message) for message in messages]
