"""``mode="replace"``: the state keeps what the model was shown, the archive what was said."""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.messages import BaseMessage, RemoveMessage, SystemMessage

from context_compaction import Message
from langchain_compaction.messages.kinds import STANDS_FOR

Pairs = Sequence[tuple[Message, BaseMessage]]


def replacing(state: Sequence[BaseMessage], shown: Pairs) -> list[BaseMessage]:
    """Updates by id that leave of a state what was shown of it; none if that is all of it.

    ``shown``: each message of the view, with how it was sent. What is not among them is removed by its id;
    what was edited is put in its own place; all else stays, in its order. The context message takes the
    place, and the id, of the first message that left: whatever has a new id, a reducer puts at the end.
    System messages are never touched, and nothing leaves that no context message stands for.
    """
    now = {message.id: (message, sent) for message, sent in shown if message.id is not None}
    updates = [sent for was in state if (sent := _edited(was, now.get(was.id or ""))) is not None]
    context = next((sent for message, sent in shown if message.is_context), None)
    if context is None:
        return updates
    left = [was for was in state if _id(was) not in now and not isinstance(was, SystemMessage)]
    # One that stands there already is the first choice: its id then never changes.
    carrier = next((was for was in left if STANDS_FOR in was.additional_kwargs), next(iter(left), None))
    if carrier is None:
        return updates
    marks = {**context.additional_kwargs, STANDS_FOR: context.id}
    updates.append(context.model_copy(update={"id": carrier.id, "additional_kwargs": marks}))
    return [*updates, *(RemoveMessage(id=str(was.id)) for was in left if was is not carrier)]


def _id(message: BaseMessage) -> str | None:
    """By which the engine knows it."""
    return message.additional_kwargs.get(STANDS_FOR) or message.id


def _edited(was: BaseMessage, shown: tuple[Message, BaseMessage] | None) -> BaseMessage | None:
    """What a view shows in the place of a message, if the state does not have it yet."""
    if shown is None or not shown[0].edited or type(shown[1]) is not type(was) or shown[1] == was:
        return None
    return shown[1]
