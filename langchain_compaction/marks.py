"""Ids for messages that have none, so that they are known again when they come back."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import uuid4

from langchain_core.messages import BaseMessage

HISTORIC = "compaction-said-"
"""Of what was in the log when it was handed out."""
ASKED = "compaction-asked-"
"""Of what was added to it then."""


def marked(messages: Iterable[BaseMessage], mark: str = "") -> list[BaseMessage]:
    """Copies with a fresh id of those that have none; the caller's own objects are left as they are."""
    return [
        message if message.id else message.model_copy(update={"id": f"{mark}{uuid4().hex}"})
        for message in messages
    ]


def is_marked(message: BaseMessage, mark: str) -> bool:
    """Whether its id was made up by `marked` for this."""
    return (message.id or "").startswith(mark)


def unmarked(message: BaseMessage) -> BaseMessage:
    """As it was before `marked`."""
    return message.model_copy(update={"id": None})
