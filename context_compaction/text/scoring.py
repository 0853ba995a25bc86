"""Which texts are worth keeping word for word: how recent, how long, how distinctive."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

RECENCY, LENGTH, DENSITY = 0.5, 0.3, 0.2
FULL_LENGTH = 200
"""Tokens from which on a text counts as long."""
RARE_SHARE = 0.05
"""A term is distinctive when at most this share of the texts, or one text alone, has it."""
_HEAD, _TAIL = 1500, 500
_WORD = re.compile(r"[^\W_]{3,40}|[^\W_\x00-\x7f]{2}")
_WIDE = re.compile(r"[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\u0e00-\u0e7f]{2,40}")


def score_texts(texts: Sequence[str], tokens: Sequence[int]) -> list[float]:
    """A score from 0 to 1 for each text, given oldest first with its tokens.

    .5 recency (the newest has 1), .3 length (``min(1, tokens / 200)``), .2 keyword density: the share of a
    text's terms that are rare within these texts. Terms are words, or pairs of characters where a script
    has no spaces. The terms of the last 4096 texts are remembered.
    """
    terms = [terms_of(text) for text in texts]
    return score_terms(terms, tokens)


def score_terms(terms: Sequence[frozenset[str]], tokens: Sequence[int]) -> list[float]:
    """`score_texts` for texts whose `terms_of` are known."""
    rare, last = rare_terms(terms), max(1, len(terms) - 1)
    return [
        RECENCY * (index / last if len(terms) > 1 else 1.0)
        + LENGTH * min(1.0, count / FULL_LENGTH)
        + DENSITY * density(words, rare)
        for index, (words, count) in enumerate(zip(terms, tokens, strict=True))
    ]


def rare_terms(terms: Sequence[frozenset[str]]) -> frozenset[str]:
    """The terms that few of these texts have."""
    seen: Counter[str] = Counter()
    for words in terms:
        seen.update(words)
    limit = max(1, int(len(terms) * RARE_SHARE))
    return frozenset(term for term, count in seen.items() if count <= limit)


def density(words: frozenset[str], rare: frozenset[str]) -> float:
    """The share of a text's terms that are rare; 0 for a text without terms."""
    return len(words & rare) / len(words) if words else 0.0


def terms_of(text: str) -> frozenset[str]:
    """The distinct terms of a text, case folded; of a long one those of its beginning and end."""
    return _terms(text if len(text) <= _HEAD + _TAIL else f"{text[:_HEAD]} {text[-_TAIL:]}")


@lru_cache(maxsize=4096)
def _terms(text: str) -> frozenset[str]:
    folded = text.casefold()
    wide = _WIDE.findall(folded)
    words = _WORD.findall(_WIDE.sub(" ", folded) if wide else folded)
    return frozenset((*words, *_pairs(wide)))


def _pairs(runs: Iterable[str]) -> Iterable[str]:
    return (run[index : index + 2] for run in runs for index in range(len(run) - 1))
