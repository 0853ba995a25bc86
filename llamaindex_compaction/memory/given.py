"""A list that a memory gave out and gets back, with the messages of other frameworks known again."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from context_compaction import Message, Session
from llamaindex_compaction.messages import from_llamaindex, to_llamaindex
from llamaindex_compaction.messages.kinds import FORMAT


def given_back(session: Session, messages: Sequence[Message]) -> list[Message]:
    """The list, each message that looks like one of the log's here saying what that says.

    LlamaIndex has no place for a result's status, nor for how arguments were spaced: a conversation that was
    begun in another framework must not fork for that. Which of several alike is meant, `Session.sync` finds.
    """
    known: dict[Hashable, list[Message]] = {}
    for message in session.history():
        if message.format != FORMAT:
            here = _said(from_llamaindex(to_llamaindex(message)))
            if here != _said(message):
                known.setdefault(here, []).append(message)
    return [_as_said(message, known) for message in messages] if known else list(messages)


def _as_said(message: Message, known: dict[Hashable, list[Message]]) -> Message:
    """Those that look alike, and are not, in the order in which they were said."""
    alike = known.get(_said(message))
    if not alike:
        return message
    original = alike.pop(0) if len(alike) > 1 else alike[0]
    return Message(original.role, original.blocks, name=original.name)


def _said(message: Message) -> Hashable:
    return message.role, message.name, message.blocks
