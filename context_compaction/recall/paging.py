"""Results a page at a time: as many as fit so many tokens, and a cursor for what comes next."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from context_compaction.counting import TokenCounter
from context_compaction.errors import QueryError

T = TypeVar("T")
PAGE_TOKENS = 2000
"""Of a page, if nothing else is asked for."""
_CURSOR = re.compile(r"\d{1,18}(?:\.\d{1,18})*")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some of the results. All pages together have each of them once, however much is said meanwhile."""

    items: tuple[T, ...]
    next: str | None
    """The cursor of the next page; None at the end."""
    tokens: int
    """Of what the items say."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page begins: a few numbers, and what was asked, so that a cursor goes with its own question."""

    asked: str
    places: tuple[int, ...]

    def __str__(self) -> str:
        return ".".join(map(str, (*self.places, int(self.asked, 16))))

    @classmethod
    def of(cls, text: object, asked: str, *begin: int) -> Cursor:
        """What a page said to go on with; ``begin`` without one. Raises `QueryError` for anything else."""
        if text is None:
            return cls(asked, begin)
        if isinstance(text, str) and _CURSOR.fullmatch(text):
            *places, mark = map(int, text.split("."))
            if len(places) == len(begin) and mark == int(asked, 16):
                return cls(asked, tuple(places))
        raise QueryError(
            f"{str(text)[:80]!r} is no cursor of this question; use the `next` of a page that was asked alike"
        )


def mark_of(*question: object) -> str:
    """A short mark of what was asked."""
    return hashlib.sha256(repr(question).encode("utf-8", "surrogatepass")).hexdigest()[:6]


def check_count(name: str, value: object, what: str, *, least: int = 1, most: int | None = None) -> None:
    """Raise `QueryError` for what is no number between ``least`` and ``most``; ``what`` it counts."""
    sane = isinstance(value, int) and not isinstance(value, bool) and value >= least
    if not sane or (most is not None and isinstance(value, int) and value > most):
        limits = f"at least {least}" if most is None else f"{least} to {most}"
        raise QueryError(f"{name} is {what}, {limits}, not {str(value)[:80]!r}")


def check_page(max_tokens: object) -> None:
    """Raise `QueryError` for a size that no page can have."""
    check_count("max_tokens", max_tokens, "how much a page may hold")


def fitting_chars(text: str, room: int, counter: TokenCounter) -> int:
    """How many characters of it fit ``room`` tokens, one at least.

    They end with a line where one ends in their last fifth.
    """
    low, high = 1, min(len(text), max(1, room) * 8)
    while low < high:
        middle = (low + high + 1) // 2
        if counter.text(text[:middle]) <= room:
            low = middle
        else:
            high = middle - 1
    line = text.rfind("\n", low * 4 // 5, low) if low < len(text) else -1
    return low if line < 0 else line + 1


def fitting(items: Iterable[tuple[T, int]], max_tokens: int) -> tuple[list[T], int, bool]:
    """As many items, each with its tokens, as fit; one at least. And whether that was all."""
    taken: list[T] = []
    total = 0
    for item, tokens in items:
        if taken and total + tokens > max_tokens:
            return taken, total, False
        taken.append(item)
        total += tokens
    return taken, total, True
