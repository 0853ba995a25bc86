"""`import_checkpoints`: what a LangGraph thread ever held in its messages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from sys import intern
from typing import Any

from langchain_core.messages import BaseMessage

from context_compaction import InvalidMessage, Session, append_unknown
from langchain_compaction.messages import read_all
from langchain_compaction.values import input_messages


def import_checkpoints(
    session: Session, checkpointer: Any, thread_id: str, *, checkpoint_ns: str = "", key: str = "messages"
) -> int:
    """Append each message that the thread ever held, once; says how many messages that was.

    The thread's checkpoints are walked from its first to its newest, so that what a summarising middleware
    removed is found again; the summaries that it wrote in place are left out, and of a message that was
    changed later its first wording is taken. Where the thread was forked, the line of its newest checkpoint
    counts. ``key``: the channel that holds the messages, which have ids there.

    Durable on return, all or none; importing again adds only what is new. Raises `InvalidMessage` (also for
    a message without an id), `NotMessages`, `DuplicateMessage`, `ArchiveError`.
    """
    config = {"configurable": {"thread_id": thread_id, "checkpoint_ns": checkpoint_ns}}
    said: dict[str, BaseMessage] = {}
    held: list[list[str]] = []
    for checkpoint in _line(checkpointer.list(config)):
        messages = _messages(checkpoint, key)
        held.append(list(messages))
        said |= messages  # an older wording takes the place of a newer one
    order = dict.fromkeys(name for names in reversed(held) for name in names)
    return append_unknown(session, read_all(said[name] for name in order))


def _line(found: Iterable[Any]) -> Iterator[Any]:
    """The checkpoints that led to the newest, newest first, as checkpointers list them."""
    at: Any = None
    for each in found:
        if at is None or _id(each.config) == at:
            yield each.checkpoint
            at = _id(each.parent_config)


def _id(config: Any) -> str:
    return "" if config is None else str(config["configurable"].get("checkpoint_id", ""))


def _messages(checkpoint: Any, key: str) -> dict[str, BaseMessage]:
    """What was said of what it holds, by id; checkpoints share their ids, not their messages."""
    where = f"{key!r} of checkpoint {checkpoint['id']}"
    messages: dict[str, BaseMessage] = {}
    for index, message in enumerate(input_messages(checkpoint["channel_values"].get(key) or [], where)):
        if not message.id:
            raise InvalidMessage(f"it has no id in {where}", index)
        if message.additional_kwargs.get("lc_source") != "summarization":
            messages[intern(message.id)] = message
    return messages
