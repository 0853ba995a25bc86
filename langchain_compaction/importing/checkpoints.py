"""`import_checkpoints`: what a LangGraph thread ever held in its messages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from langchain_core.messages import BaseMessage

from context_compaction import InvalidMessage, Session
from langchain_compaction.importing.appending import append_unknown
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
    for number, checkpoint in enumerate(_line(checkpointer.list(config))):
        held: Any = checkpoint["channel_values"].get(key) or []
        for index, message in enumerate(input_messages(held, f"{key!r} of checkpoint {number}")):
            if not message.id:
                raise InvalidMessage(f"it has no id in checkpoint {number} of thread {thread_id!r}", index)
            if message.additional_kwargs.get("lc_source") != "summarization":
                said.setdefault(message.id, message)
    return append_unknown(session, read_all(said.values()))


def _line(found: Iterator[Any]) -> Iterator[Any]:
    """The checkpoints that led to the newest, oldest first."""
    by_id = {_id(each.config): each for each in found}
    line: list[Any] = []
    at = max(by_id, default="")
    while at in by_id:
        each = by_id.pop(at)
        line.append(each.checkpoint)
        at = _id(each.parent_config)
    return reversed(line)


def _id(config: Any) -> str:
    """Ids of checkpoints sort by time."""
    return "" if config is None else str(config["configurable"].get("checkpoint_id", ""))
