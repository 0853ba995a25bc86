"""`MessageList`: a plain list of messages that a notebook can show."""

from __future__ import annotations

from context_compaction.displayed import Displayed
from context_compaction.messages.message import Message


class MessageList(Displayed, list[Message]):
    """A list like any other, equal to one; what is sliced or added off it is a plain list."""

    __slots__ = ()
