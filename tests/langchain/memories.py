"""LangChain's memories and ours, made alike, and the models and histories that they are given."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from langchain_classic.chains import ConversationChain, LLMChain
from langchain_classic.memory import (
    ConversationBufferMemory,
    ConversationSummaryBufferMemory,
    ConversationSummaryMemory,
    ConversationTokenBufferMemory,
)
from langchain_core.chat_history import BaseChatMessageHistory
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.prompts import PromptTemplate

from langchain_compaction import ConversationCompactionMemory

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

SUMMARY = "They spoke of boats."


def model(answer: str = SUMMARY) -> FakeListChatModel:
    """Answers this, always, and counts words."""
    return FakeListChatModel(responses=[answer], custom_get_token_ids=_words)


def _words(text: str) -> list[int]:
    return list(range(len(text.split())))


class RaisingModel(FakeListChatModel):
    """Has no answer."""

    def _call(self, *arguments: Any, **options: Any) -> str:
        raise RuntimeError("no model to be had")


class KeptHistory(BaseChatMessageHistory):
    """As histories in a database are: what it gives is a copy. ``fails_at``: it takes only so many more."""

    def __init__(self, said: Sequence[BaseMessage] = ()) -> None:
        self.said = list(said)
        self.fails_at: int | None = None

    @property
    def messages(self) -> list[BaseMessage]:  # pyright: ignore[reportIncompatibleVariableOverride]
        return list(self.said)

    def add_messages(self, messages: Sequence[BaseMessage]) -> None:
        self.said += messages[: self.fails_at]
        if self.fails_at is not None:
            raise OSError("disk full")

    def clear(self) -> None:
        self.said = []


def quietly(make: Callable[..., Any], **options: Any) -> Any:
    """What LangChain has deprecated warns when it is made."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make(**options)


def buffer(**options: Any) -> Any:
    return quietly(ConversationBufferMemory, **options)


def summary(**options: Any) -> Any:
    return quietly(ConversationSummaryMemory, **({"llm": model()} | options))


def summary_buffer(**options: Any) -> Any:
    return quietly(ConversationSummaryBufferMemory, **({"llm": model()} | options))


def token_buffer(**options: Any) -> Any:
    return quietly(ConversationTokenBufferMemory, **({"llm": model()} | options))


def ours(**options: Any) -> ConversationCompactionMemory:
    return ConversationCompactionMemory(**({"llm": model()} | options))


def conversation(memory: Any, answer: str) -> Any:
    """A chain that has one input and one output."""
    return quietly(ConversationChain, llm=model(answer), memory=memory)


def chain(memory: Any, template: str, answer: str) -> Any:
    """A chain of this prompt."""
    return quietly(LLMChain, llm=model(answer), memory=memory, prompt=PromptTemplate.from_template(template))
