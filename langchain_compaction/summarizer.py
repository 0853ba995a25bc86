"""`as_summarizer`: our drafters as the ``summarizer`` of LangChain's and deepagents' own middleware."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import BaseMessage
from langchain_core.runnables import Runnable, RunnableConfig

from context_compaction import Budget, Message, Policy, acompact, compact
from context_compaction.policy import anchored
from langchain_compaction.counting import CounterLike, counter_of
from langchain_compaction.drafting import drafter_of
from langchain_compaction.messages import read_all
from langchain_compaction.values import input_messages

LEAST_WINDOW = 20_000
"""Tokens of the window that the summary is made in: it gets a tenth of that, and no more than 2,048."""
_SUMMARY = re.compile(r"<summary>\n(.*?)\n</summary>", re.DOTALL)
_END = Message("user", "The conversation goes on here.")
_RULE = anchored(
    ("tokens", 1), target=("tokens", 0), keep=("tokens", 0), min_reclaim=("tokens", 0), max_leaves=4
)


def as_summarizer(
    drafter: Any = None, *, token_counter: CounterLike = None, redactor: Callable[[str], str] | None = None
) -> Runnable[LanguageModelInput, str]:
    """What ``SummarizationMiddleware(summarizer=...)`` and deepagents call for a summary.

        SummarizationMiddleware(model, trigger=("tokens", 50_000), summarizer=as_summarizer(drafter),
                                trim_tokens_to_summarize=None)

    ``drafter``: a drafter, a function, a LangChain model, or several of them; None selects sentences on the
    CPU. Whatever fails, is empty or is late is passed over: there is always a summary. It is of all the
    messages that are handed over, so pass ``trim_tokens_to_summarize=None``: by default that middleware hands
    over the last 4,000 tokens only.

    ``token_counter``, ``redactor``: as in `compact_messages`. Raises, when run, `NotMessages` and
    `InvalidMessage`.
    """
    return _Summarizer(drafter_of(drafter), token_counter, redactor)


class _Summarizer(Runnable[LanguageModelInput, str]):
    """Traced under its name; asynchronously beside the event loop."""

    name = "as_summarizer"

    def __init__(
        self, drafter: Any, token_counter: CounterLike, redactor: Callable[[str], str] | None
    ) -> None:
        self._drafter = drafter
        self._counter = counter_of(token_counter, takes="messages")
        self._redactor = redactor

    def invoke(
        self,
        input: LanguageModelInput,  # noqa: A002 - LangChain's name
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> str:
        return self._call_with_config(self._run, input, config, **kwargs)

    async def ainvoke(
        self,
        input: LanguageModelInput,  # noqa: A002 - LangChain's name
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> str:
        return await self._acall_with_config(self._arun, input, config, **kwargs)

    def _run(self, value: LanguageModelInput) -> str:
        said = _said(input_messages(value))
        return _text(compact([*said, _END], **self._options(said))[0], said)

    async def _arun(self, value: LanguageModelInput) -> str:
        said = _said(input_messages(value))
        return _text((await acompact([*said, _END], **self._options(said)))[0], said)

    def _options(self, said: Sequence[Message]) -> dict[str, Any]:
        window = max(LEAST_WINDOW, 4 * self._counter.messages(said))
        return {
            "budget": Budget(window, reserve_tokens=0),
            # What the user wants for good is part of the summary: nobody quotes it beside.
            "policy": Policy(pre_turn=_RULE, instructions=None),
            "drafter": self._drafter,
            "counter": self._counter,
            "redactor": self._redactor,
        }


def _said(messages: Sequence[BaseMessage]) -> list[Message]:
    """System messages are told like the rest: those that the agent goes on with are not handed over."""
    read = [replace(message, id=None) for message in read_all(messages)]
    return [replace(message, role="user", raw=None) if message.is_system else message for message in read]


def _text(shown: Sequence[Message], said: Sequence[Message]) -> str:
    """The summary; what is too short for one is given as it was said."""
    found = [text for message in shown if message.is_context for text in _SUMMARY.findall(message.text)]
    return "\n\n".join(found) or "\n".join(f"{message.role}: {message.text}" for message in said)
