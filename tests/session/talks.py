"""Conversations whose size is known to the token, and sessions to hold them. One word is one token."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from context_compaction import Budget, Message, Session
from tests.windows import WORDS, assistant, user

ENVELOPE = 4
"""Tokens of a message beyond its words."""
REQUEST = 3
"""Tokens of a request beyond its messages."""
INPUT = 1000


def turns(first: int, count: int, words: int = 46) -> list[dict[str, Any]]:
    """Numbered questions and answers; each message has ``words`` words, so ``words + 4`` tokens."""
    out: list[dict[str, Any]] = []
    for number in range(first, first + count):
        out += [
            user(f"question {number} " + "word " * (words - 2)),
            assistant(f"answer {number} " + "text " * (words - 2)),
        ]
    return out


def filling(tokens: int) -> list[dict[str, Any]]:
    """A conversation that ends with the user and makes a request of exactly so many tokens."""
    pairs = (tokens - REQUEST) // 100 - 1
    said = turns(1, pairs)
    rest = tokens - REQUEST - 100 * pairs - ENVELOPE
    return [*said, user("word " * rest)]


def session(archive: Any = ":memory:", *, window: int = INPUT, **options: Any) -> Session:
    """A session that counts words, with the whole window for input."""
    options.setdefault("counter", WORDS)
    return Session(archive, budget=Budget(window, reserve_tokens=0), **options)


def wire(messages: Sequence[Message]) -> bytes:
    """What a model would be sent, byte for byte."""
    return json.dumps([message.to_openai() for message in messages]).encode()


def size(messages: Sequence[Message]) -> int:
    """Tokens of a request."""
    return WORDS.messages(messages)


def dicts(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Messages as they were appended."""
    return [message.to_openai() for message in messages]


def unblocked(messages: Sequence[Message]) -> list[Message]:
    """A context without its recalled block."""
    return [message for message in messages if not message.is_recalled]
