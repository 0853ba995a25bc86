"""What a question asks for: its telling words, its quoted phrases, the times that it names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from context_compaction.text.ago import periods_ago
from context_compaction.text.periods import MAX_PERIODS, Period, periods_of
from context_compaction.text.terms import query_words, terms_of

MAX_PHRASES = 8
_READ = 20_000
# A single quote opens a phrase only where a word may begin, and closes it where one may end.
_QUOTED = re.compile(
    r"\"[^\"\n]{2,200}\"|\u201c[^\u201d\n]{2,200}\u201d|\u00ab[^\u00bb\n]{2,200}\u00bb|`[^`\n]{2,200}`"
    r"|(?<![^\s(])'[^'\n]{2,200}'(?!\w)"
)
_WORDS = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Query:
    """A question as the search understands it. Nothing in its text is syntax."""

    words: Mapping[str, str]
    """Its terms, each with the word that gave it."""
    phrases: Sequence[str]
    """What it quotes, as `plain` text."""
    periods: Sequence[Period]

    @classmethod
    def of(cls, text: str, now: float | None = None) -> Query:
        """Any text; of a very long one quotations and times are looked for in its beginning.

        ``now``: when it is asked, in epoch seconds, so that "two weeks ago" is a time.
        """
        quotations = dict.fromkeys(plain(quotation) for quotation in _quoted(text[:_READ]))
        phrases = [phrase for phrase in quotations if phrase][:MAX_PHRASES]
        words = _terms_of_phrases(phrases) | query_words(text)
        periods = periods_of(text) + ([] if now is None else periods_ago(text, now))
        return cls(words, phrases, periods[:MAX_PERIODS])


def plain(text: str) -> str:
    """The words of a text in lower case, one space apart: how a phrase is compared."""
    return " ".join(_WORDS.findall(text.lower()))


def _quoted(text: str) -> Iterator[str]:
    return (found.group() for found in _QUOTED.finditer(text))


def _terms_of_phrases(phrases: Sequence[str]) -> dict[str, str]:
    """The terms of what is quoted; common words too where there are no others."""
    words: dict[str, str] = {}
    for phrase in phrases:
        words.update(query_words(phrase) or dict.fromkeys(terms_of(phrase), phrase))
    return words
