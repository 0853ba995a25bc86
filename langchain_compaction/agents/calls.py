"""One call of an agent's model: what it is to be about, and what of that can be sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextvars import ContextVar, Token
from dataclasses import dataclass
from typing import Any

from langchain_core.exceptions import ContextOverflowError
from langchain_core.messages import AnyMessage, BaseMessage

from context_compaction import Budget, Session, Shown
from langchain_compaction.agents.following import Known
from langchain_compaction.agents.places import Place
from langchain_compaction.agents.reading import Reading
from langchain_compaction.agents.replacing import replacing
from langchain_compaction.agents.told import Told
from langchain_compaction.errors import MissingWindow, TwoCompactions
from langchain_compaction.profiles import max_input_tokens, profile_of

HARDER = 0.5
"""Of a request that was too long for the provider, so much is sent in its place."""
CEILING = 0.9
"""Of such a request, so much is sent at most from then on."""
_UNDER_WAY: ContextVar[frozenset[str]] = ContextVar("_UNDER_WAY", default=frozenset())
"""The tasks that a compaction middleware stands around now."""


class Alone:
    """Entering it raises `TwoCompactions` inside of another one around the same model call."""

    __slots__ = ("_node", "_token")

    def __init__(self, node: str) -> None:
        self._node = node
        self._token: Token[frozenset[str]] | None = None

    def __enter__(self) -> None:
        around = _UNDER_WAY.get()
        if self._node in around:
            raise TwoCompactions
        self._token = _UNDER_WAY.set(around | {self._node})

    def __exit__(self, *error: object) -> None:
        if self._token is not None:
            _UNDER_WAY.reset(self._token)


def window_of(given: int | None, *models: object) -> int:
    """What was given, or the first that a model's profile says. Raises `MissingWindow`."""
    window = known_window(given, *models)
    if window is None:
        raise MissingWindow(next((model for model in models if model is not None), None))
    return window


def known_window(given: int | None, *models: object) -> int | None:
    """`window_of`; None where nothing says it."""
    if given is not None:
        return given
    said = (max_input_tokens(profile_of(model)) for model in models)
    return next((tokens for tokens in said if tokens is not None), None)


@dataclass(frozen=True, slots=True)
class Sent:
    """What a model was shown."""

    messages: Shown
    archived: bool
    """Whether what was said is in the archive that was named, not in memory for as long as the run lasts."""


@dataclass(frozen=True, slots=True)
class ModelCall:
    """A model call, before it is made."""

    state: Sequence[BaseMessage]
    """The agent's messages."""
    place: Place
    node: str
    session: Session
    known: Known
    told: Told
    said: Reading
    """The conversation as the engine reads it."""
    budget: Budget
    """Its overhead is what this request carries beside the conversation."""
    context_management: Sequence[Mapping[str, Any]] | None

    @property
    def overhead(self) -> int:
        """Tokens of the window that the conversation must leave free, beside the reserve.

        More than the request carries where the provider was found to count more than we do.
        """
        ceiling = self.known.ceiling
        return self.budget.overhead_tokens if ceiling is None else self._leaving(ceiling)

    def harder(self, sent: int, error: ContextOverflowError) -> int:
        """The overhead to try again with, after ``sent`` counted tokens were too many for the provider."""
        if sent <= 1:
            raise error
        self.known.ceiling = int(CEILING * sent)
        return self._leaving(int(HARDER * sent))

    def showing(self, shown: Shown, given: Sequence[BaseMessage] = ()) -> list[AnyMessage]:
        """The messages to send: ``given`` itself, where that is all of them."""
        reader = self.known.reader
        return self.told.over(reader.write(shown, given), reader.is_own)

    def replacing(self, shown: Shown) -> list[BaseMessage]:
        """Updates that leave in the state what was shown of it."""
        sent = self.known.reader.write(shown)
        return replacing(self.state, list(zip(shown, sent, strict=True)))

    def _leaving(self, room: int) -> int:
        least = self.budget.overhead_tokens
        return max(least, self.budget.context_window - self.budget.reserve - max(1, room))
