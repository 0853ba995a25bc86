"""Drafters by a small real model, what they are asked, and a session that has them."""

from __future__ import annotations

import threading
from typing import Any

from context_compaction import Budget, Policy, Session, TransformersDrafter
from context_compaction.drafting.base import DraftRequest, Passage
from tests.drafting.models import model, tokenizer

NEVER = threading.Event()


def request(words: int = 60, *, seed: int = 1, max_tokens: int = 200, passages: int = 4) -> DraftRequest:
    names = ["the port of the server is", "the file is src/main.py", f"number {seed}"]
    text = " ".join(names[index % 3] for index in range(words // 4))
    several = [Passage(f"m:{index}", "user", f"{text} {index}") for index in range(1, passages + 1)]
    return DraftRequest("summary", tuple(several), max_tokens)


def drafter(**options: Any) -> TransformersDrafter:
    return TransformersDrafter(model(), tokenizer=tokenizer(), **options)


def session(made: Any, turns: int = 30) -> Session:
    talk = Session(":memory:", budget=Budget(context_window=4000), policy=Policy.layered(), drafter=made)
    for number in range(turns):
        talk.append({"role": "user", "content": f"The port of server {number} is {8000 + number}. " * 6})
        talk.append({"role": "assistant", "content": f"Noted: /srv/{number}/main.py uses it. " * 6})
    return talk
