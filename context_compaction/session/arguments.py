"""What a model gave a recall tool, as far as it can be meant: empty texts, numbers and brackets, too."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from context_compaction.errors import QueryError

_NOTHING = frozenset({"", "null", "none", "undefined"})
_YES, _NO = frozenset({"true", "yes", "1"}), frozenset({"false", "no", "0", *_NOTHING})
_SHOWN = re.compile(r"\[(.*)\]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Arguments:
    """What is asked for; None for what was not given."""

    query: str | None
    ref: str | None
    after: str | None
    before: str | None
    overview: bool
    page: int

    @classmethod
    def of(
        cls,
        *,
        query: Any = None,
        ref: Any = None,
        after: Any = None,
        before: Any = None,
        overview: Any = None,
        page: Any = None,
        **unknown: Any,
    ) -> Arguments:
        """Raises `QueryError` with a sentence for the model; ``unknown`` is left out."""
        del unknown
        return cls(
            _text("query", query, "words to search for"),
            _reference("ref", ref, "a reference such as m:57, m:3-m:9 or s:2"),
            _reference("after", after, "a day such as 2026-03-01, or a message such as m:57"),
            _reference("before", before, "a day such as 2026-03-01, or a message such as m:57"),
            _yes(overview),
            _page(page),
        )

    @property
    def bounds(self) -> str:
        """In words, for a sentence about what was said."""
        after = "" if self.after is None else f" after {self.after}"
        return after if self.before is None else f"{after} before {self.before}"


def _text(name: str, given: Any, what: str) -> str | None:
    if given is None or (isinstance(given, str) and given.strip().lower() in _NOTHING):
        return None
    if isinstance(given, (str, int, float)) and not isinstance(given, bool):
        return str(given)
    raise QueryError(f"{name} is {what}, as text; {str(given)[:80]!r} is none")


def _reference(name: str, given: Any, what: str) -> str | None:
    """A message may be named by its number alone, and as search results show it, in brackets."""
    text = _text(name, given, what)
    if text is None:
        return None
    shown = _SHOWN.fullmatch(text.strip())
    text = shown[1].strip() if shown else text.strip()
    return f"m:{text}" if isinstance(given, int) else text


def _yes(given: Any) -> bool:
    text = str(given).strip().lower()
    if text in _YES or text in _NO:
        return text in _YES
    raise QueryError(f"overview is true or false, not {text[:80]!r}")


def _page(given: Any) -> int:
    text = "1" if given is None else str(given).strip()
    if re.fullmatch(r"0*[1-9]\d{0,8}", text, re.ASCII):
        return int(text)
    raise QueryError(f"page is a number from 1 on, not {text[:80]!r}")
