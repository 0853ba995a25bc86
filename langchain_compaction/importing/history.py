"""`import_history`: a chat-message history, a list, or a history's file."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol, cast

from langchain_core.messages import BaseMessage, messages_from_dict

from context_compaction import InvalidMessage, Session, append_unknown
from langchain_compaction.messages import read_all
from langchain_compaction.values import input_messages


class HasMessages(Protocol):
    """What a ``BaseChatMessageHistory`` is here."""

    @property
    def messages(self) -> list[BaseMessage]:
        """All that it holds."""
        ...


def import_history(session: Session, source: HasMessages | Sequence[Any] | str | os.PathLike[str]) -> int:
    """Append all that ``source`` holds and the session does not; says how many messages that was.

    ``source``: any chat-message history, a list of messages, or the path of a ``FileChatMessageHistory``.
    Durable on return, all or none. What was imported before is known by its id, or else by what stands
    around it, so that importing again adds only what is new. Raises `InvalidMessage` with the place of what
    cannot be read, `NotMessages`, `DuplicateMessage`, `ArchiveError`, and `OSError` for a file.
    """
    return append_unknown(session, read_all(_messages(source)))


def stored_messages(items: Iterable[Any]) -> list[BaseMessage]:
    """Messages as ``messages_to_dict`` wrote them. Raises `InvalidMessage` with the place of a bad one."""
    out: list[BaseMessage] = []
    for index, item in enumerate(items):
        try:
            out += messages_from_dict([item])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InvalidMessage(f"this is no message that LangChain stored: {error!r}", index) from error
    return out


def _messages(source: Any) -> list[BaseMessage]:
    if isinstance(source, (str, os.PathLike)):
        return _of_file(Path(cast("str", source)))
    return input_messages(getattr(source, "messages", source), "the history")


def _of_file(path: Path) -> list[BaseMessage]:
    try:
        items: Any = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InvalidMessage(f"{path} is no JSON: {error}") from error
    if not isinstance(items, list):
        raise InvalidMessage(f"{path} holds {type(items).__name__}, not a list of messages")
    return stored_messages(cast("list[Any]", items))
