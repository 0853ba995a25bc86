"""A list that a memory gave out and gets back, with the messages of other frameworks known again."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from context_compaction import Message, Session
from llamaindex_compaction.messages import from_llamaindex, to_llamaindex
from llamaindex_compaction.messages.kinds import FORMAT


def given_back(session: Session, messages: Sequence[Message]) -> list[Message]:
    """The list, with the log's own message for one that says what this looks like in LlamaIndex.

    LlamaIndex has no place for ids, for a result's status, nor for how arguments were spaced: a conversation
    that was begun in another framework must not fork for that.
    """
    foreign = [message for message in session.history() if message.format != FORMAT]
    known = {_said(from_llamaindex(to_llamaindex(message))): message for message in foreign}
    return [known.get(_said(message), message) for message in messages] if known else list(messages)


def _said(message: Message) -> Hashable:
    return message.role, message.name, message.blocks
