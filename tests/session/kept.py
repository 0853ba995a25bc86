"""How callers keep a list that holds what `Session.context` gave."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest

from context_compaction import Message

Kept = list[Any]
"""A list of a caller's own, in the form that it likes."""
Form = Callable[[Iterable[Message]], Kept]


def objects(messages: Iterable[Message]) -> Kept:
    """As they came."""
    return list(messages)


def stripped(messages: Iterable[Message]) -> Kept:
    """As dicts without ids, as most frameworks keep them."""
    return [{k: v for k, v in m.to_openai().items() if k != "id"} for m in messages]


def labelled(messages: Iterable[Message]) -> Kept:
    """As dicts with their ids."""
    return [m.to_openai() if m.id is None else {**m.to_openai(), "id": m.id} for m in messages]


FORMS: tuple[Form, ...] = (objects, stripped, labelled)


def in_form(form: Form, messages: Sequence[dict[str, Any]]) -> Kept:
    """New messages in the same form."""
    return form(map(Message.from_openai, messages))


every_form = pytest.mark.parametrize("form", FORMS)
each_depth = pytest.mark.parametrize("deep", [False, True], ids=["shallow", "deep"])
