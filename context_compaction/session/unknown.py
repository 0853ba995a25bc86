"""What of a list a session does not have yet, and appending that."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from context_compaction.messages import Message
from context_compaction.render.context_message import beginning_place, beginning_text
from context_compaction.session.session import Session


def append_unknown(session: Session, messages: Sequence[Message]) -> int:
    """Append what the session does not have, all or none; says how many messages that was.

    Raises `DuplicateMessage` for an id that the session has with other content.
    """
    history = session.history()
    messages = _without_beginning(messages)
    unknown = messages[known_length(history, messages) :]
    session.append(unknown)
    ids = [message.id for message in unknown]
    return ids.count(None) + len(set(ids) - {message.id for message in history} - {None})


def _without_beginning(messages: Sequence[Message]) -> Sequence[Message]:
    """A list that was shown once, without our line that it begins with the assistant."""
    place = beginning_place(message.role for message in messages)
    if place < 0 or messages[place].text != beginning_text():
        return messages
    return [*messages[:place], *messages[place + 1 :]]


def known_length(history: Sequence[Message], messages: Sequence[Message]) -> int:
    """So many messages of the list, from its first on, stand in the history one behind the other.

    Messages without ids can only be told by their surroundings: the longest run counts if it is all of the
    list, reaches the history's end, or begins at its beginning. The list may begin anywhere in the history,
    as histories are trimmed at their beginning.
    """
    if not messages:
        return 0
    said = [_said(message) for message in history]
    new = [_said(message) for message in messages]
    longest = 0
    for start, first in enumerate(said):
        if first != new[0]:
            continue
        length = 1
        while length < min(len(new), len(said) - start) and said[start + length] == new[length]:
            length += 1
        if start == 0 or length == len(new) or start + length == len(said):
            longest = max(longest, length)
    return longest


def _said(message: Message) -> Hashable:
    """Who said what; ids tell messages apart where both have one, and a list's ids do not come and go."""
    return message.id, message.role, message.name, message.blocks
