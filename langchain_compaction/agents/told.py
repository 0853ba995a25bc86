"""What a model call is given: the state's messages, and what other middleware put into this request alone."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from langchain_core.messages import AnyMessage, BaseMessage, ToolMessage


@dataclass(frozen=True, slots=True)
class Told:
    """The conversation, and how this request differs from it."""

    said: Sequence[BaseMessage]
    """The state's messages, with the results that the agent itself puts behind unreadable calls."""
    instead: Mapping[str, BaseMessage] = field(default_factory=dict[str, BaseMessage])
    """By id: what this request says in the place of a message."""
    without: frozenset[str] = frozenset()
    """Ids of messages that this request leaves out."""
    beside: Sequence[tuple[int, BaseMessage]] = ()
    """Messages of this request alone, each with the number of messages of ``said`` before it."""

    @property
    def extra(self) -> list[BaseMessage]:
        """What is sent beside the conversation, and counts as overhead."""
        return [message for _, message in self.beside]

    def over(self, shown: list[BaseMessage], is_own: Callable[[BaseMessage], bool]) -> list[AnyMessage]:
        """What a view shows of the conversation, with what is this request's own.

        ``is_own``: whether a message is shown as it was said.

        An edit of another middleware stands where the view shows the message as it was said.
        """
        if not (self.instead or self.without or self.beside):
            return shown  # pyright: ignore[reportReturnType] - LangChain's own classes
        places = {message.id: place for place, message in enumerate(self.said) if message.id is not None}
        waiting, out = list(self.beside), list[BaseMessage]()
        for message in shown:
            place = places.get(message.id or "", -1)
            while waiting and waiting[0][0] <= place:
                out.append(waiting.pop(0)[1])
            if message.id not in self.without or not is_own(message):
                out.append(self.instead.get(message.id or "", message) if is_own(message) else message)
        return [*out, *(message for _, message in waiting)]  # pyright: ignore[reportReturnType]


def told(state: Sequence[BaseMessage], request: Sequence[BaseMessage]) -> Told:
    """A request's messages, told apart from the state's."""
    if state is request or (len(state) == len(request) and all(map(operator.is_, state, request))):
        return Told(state)
    asked = {message.id: message for message in request if message.id is not None}
    ids = {message.id for message in state if message.id is not None}
    own = {id(message) for message in state}
    said, beside, rest = list[BaseMessage](), list[tuple[int, BaseMessage]](), list(state)
    for message in request:
        if id(message) in own or message.id in ids:
            while rest and not (rest[0] is message or (message.id and rest[0].id == message.id)):
                said.append(rest.pop(0))
            said += rest[:1]
            del rest[:1]
        elif isinstance(message, ToolMessage):
            said.append(message)
        else:
            beside.append((len(said), message))
    return Told(
        [*said, *rest],
        instead={
            message.id: asked[message.id]
            for message in state
            if message.id in asked and asked[message.id] is not message
        },
        without=frozenset(ids - asked.keys()),
        beside=beside,
    )
