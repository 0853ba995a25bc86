"""LangChain's token counters as the engine's, and the other way round."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, cast, get_type_hints

from langchain_core.messages import BaseMessage, HumanMessage

from context_compaction import Message, TokenCounter
from langchain_compaction.messages import read_all, to_langchain

CountMessages = Callable[[Sequence[BaseMessage]], int]
CounterLike = TokenCounter | str | Callable[[Any], int] | Any | None
"""A `TokenCounter`, the name of one, a function, a language model, or None for the default."""


class LangChainCounter(TokenCounter):
    """Counts with what LangChain counts with: a function of a list of messages, as `trim_messages` takes it.

    Each message is counted alone, so what the function adds once a list is counted for each: never too few.
    """

    same_name_same_counts = False

    def __init__(self, count: CountMessages, *, name: str = "", exact: bool = False) -> None:
        self._count = count
        self._empty: int | None = None
        self.name = f"langchain/{name or getattr(count, '__name__', type(count).__name__)}"
        self.exact = exact

    def text(self, text: str) -> int:
        """What a message that says this costs beyond one that says nothing."""
        if self._empty is None:
            self._empty = self._tokens(HumanMessage(""))
        return max(0, self._tokens(HumanMessage(text)) - self._empty)

    def message(self, message: Message) -> int:
        """What the function says of it alone."""
        return self._tokens(to_langchain(message))

    def _tokens(self, message: BaseMessage) -> int:
        tokens = self._count([message])
        if not isinstance(tokens, int):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"{self.name} gave {type(tokens).__name__}; a counter of tokens gives an int")
        if tokens < 0:
            raise ValueError(f"{self.name} gave {tokens} tokens; a count cannot be negative")
        return tokens


def counter_of(counter: CounterLike, *, takes: Literal["text", "messages"] = "messages") -> TokenCounter:
    """Whatever a LangChain user passes to count tokens with.

    A function is taken by the annotation of its parameter: ``str``, ``BaseMessage`` or a list of them;
    without one it ``takes`` what the caller says (LangChain's own ``token_counter=`` takes messages, so that
    ``len`` counts them). A language model counts by its ``get_num_tokens_from_messages``. Names are the
    engine's: ``"approximate"``, a tiktoken encoding or model. Raises `ValueError`, `TypeError`.
    """
    if counter is None or isinstance(counter, (TokenCounter, str)):
        return TokenCounter.of(counter)
    by_model = getattr(counter, "get_num_tokens_from_messages", None)
    if by_model is not None:
        return LangChainCounter(by_model, name=type(counter).__name__)
    if not callable(counter):
        return TokenCounter.of(counter)
    kind = _parameter(cast("Callable[..., Any]", counter)) or takes
    if kind == "text":
        return TokenCounter.of(cast("Callable[[str], int]", counter))
    if kind == "message":
        name = getattr(counter, "__name__", "")
        each = cast("Callable[[BaseMessage], int]", counter)
        return LangChainCounter(lambda messages: sum(map(each, messages)), name=name)
    return LangChainCounter(cast("CountMessages", counter))


def as_token_counter(counter: CounterLike = None) -> Callable[[Iterable[BaseMessage]], int]:
    """An engine's counter in the shape that LangChain's ``token_counter=`` takes: messages in, tokens out."""
    counting = counter_of(counter, takes="text")

    def count_tokens(messages: Iterable[BaseMessage]) -> int:
        return counting.messages(read_all(messages))

    return count_tokens


def _parameter(function: Callable[..., Any]) -> Literal["text", "message", "messages"] | None:
    """What the annotation of its first parameter says that it takes."""
    try:
        names = list(inspect.signature(function).parameters)
        hint = get_type_hints(function).get(names[0]) if names else None
    except (TypeError, ValueError, NameError, AttributeError):
        return None
    if hint is None or hint is Any:
        return None
    if hint is str:
        return "text"
    return "message" if isinstance(hint, type) and issubclass(hint, BaseMessage) else "messages"
