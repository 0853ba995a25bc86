"""What a model was sent, request by request: how much of it anew, and what it could still know."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from statistics import mean
from typing import Any

from context_compaction import Message
from context_compaction.counting import TiktokenCounter
from context_compaction.text.facts import Fact, hard_facts, normalised, occurs

EVERY = 16
"""Requests between two whose facts are looked at."""
CACHED = 0.1
"""The price of a token that the provider has read before, at its prices of 2026, where a new one costs 1."""
Plain = dict[str, Any]


@dataclass(slots=True)
class Requests:
    """The requests of one conversation. A provider reads anew whatever stands behind the first difference."""

    number: int = 0
    changed: int = 0
    """Requests that do not begin with the one before."""
    unexplained: int = 0
    """Of these, so many although nothing was compacted meanwhile."""
    tokens: int = 0
    anew: int = 0
    compactions: int = 0
    kept: list[float] = field(default_factory=list[float])
    """Share of the distinct hard facts said so far that stand in a request."""
    users: list[float] = field(default_factory=list[float])
    """The same of the facts in what the user said."""
    _before: list[str] = field(default_factory=list[str])
    _counted: dict[str, int] = field(default_factory=dict[str, int])
    _said: dict[tuple[str, str], tuple[Fact, bool]] = field(
        default_factory=dict[tuple[str, str], tuple[Fact, bool]]
    )
    _counter: Any = field(default_factory=TiktokenCounter)

    def say(self, messages: Sequence[Any]) -> None:
        """What is said to the agent, or by it."""
        for message in map(Message.from_openai, _plain(messages)):
            for text in _texts(message):
                for fact in _facts(text, message.role):
                    self._said.setdefault(fact.key, (fact, message.role == "user"))

    def send(self, messages: Sequence[Any], compactions: int) -> None:
        """``compactions``: how many there were so far."""
        plain = _plain(messages)
        now = [json.dumps(each) for each in plain]
        same = _same(self._before, now)
        if same < len(self._before):
            self.changed += 1
            self.unexplained += compactions == self.compactions
        tokens = [self._count(each) for each in now]
        self.compactions, self._before = compactions, now
        self.tokens += sum(tokens)
        self.anew += sum(tokens[same:])
        if self.number % EVERY == 0:
            self._look(list(map(Message.from_openai, plain)))
        self.number += 1

    def count(self, messages: Any, **_: Any) -> int:
        """For those who count each message at each call: as LangChain's counters are called."""
        return sum(self._count(json.dumps(each)) for each in _plain(messages))

    @property
    def cost(self) -> int:
        """In tokens at full price."""
        return round(self.anew + CACHED * (self.tokens - self.anew))

    def _look(self, messages: Sequence[Message]) -> None:
        texts = [(text, message.role) for message in messages for text in _texts(message)]
        there = {fact.key for text, role in texts for fact in _facts(text, role)}
        whole = normalised("\n".join(text for text, _ in texts))
        found = [
            (key in there or occurs(normalised(fact.value), whole), users)
            for key, (fact, users) in self._said.items()
        ]
        for shares, facts in ((self.kept, found), (self.users, [each for each in found if each[1]])):
            if facts:
                shares.append(mean(there for there, _ in facts))

    def _count(self, text: str) -> int:
        if text not in self._counted:
            self._counted[text] = self._counter.message(Message.from_openai(json.loads(text)))
        return self._counted[text]


def _plain(messages: Sequence[Any]) -> list[Plain]:
    from langchain_core.messages import convert_to_openai_messages

    return [dict(each) for each in convert_to_openai_messages(messages)]  # pyright: ignore[reportArgumentType]


def _same(before: Sequence[str], now: Sequence[str]) -> int:
    return next(
        (place for place, pair in enumerate(zip(before, now, strict=False)) if pair[0] != pair[1]),
        min(len(before), len(now)),
    )


def _texts(message: Message) -> Iterator[str]:
    yield message.text
    yield from (call.arguments for call in message.tool_calls)


@lru_cache(maxsize=16_384)
def _facts(text: str, role: str) -> tuple[Fact, ...]:
    return hard_facts(text, role=role)
