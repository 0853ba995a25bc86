"""Ranking: how well each message and summary answers a query, by the statistics of its own scope alone.

A score is the sum over the query's terms of how rare the term is times how much of it there is, in the
document itself and, with less weight, in the messages around it: what a question asks about is often named
one message before or after the one that answers it. The neighbours' part is summed up here from the
matches, so nothing about neighbours is stored, and nothing has to be rewritten when a log grows, forks or
is pruned.
"""

from __future__ import annotations

import math
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from heapq import nsmallest

from context_compaction.archive.records import SearchDocument, SearchPool

Counts = dict[str, int]
ROLE_WEIGHTS: Mapping[str, float] = {"system": 0.7, "developer": 0.7}


@dataclass(frozen=True, slots=True)
class Weights:
    """What counts how much. The defaults were tuned on half of the LoCoMo dialogues."""

    saturation: float = 1.0
    """How soon more of the same term stops to matter (BM25's k1)."""
    length: float = 0.35
    """How much long documents are held back (BM25's b), 0 to 1."""
    neighbours: float = 0.45
    """Weight of the messages around; 0 leaves them out."""
    reach: int = 2
    """How many messages before and after count as neighbours, 2 at most by what archives hand over."""
    roles: Mapping[str, float] = field(default_factory=lambda: ROLE_WEIGHTS)
    """Factors by role; 1 where none is named. Summaries have the role ``summary``."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """One candidate with its score and the query terms that it holds itself, most telling first."""

    ref: str
    seq: int
    score: float
    terms: tuple[str, ...]
    neighbours: tuple[int, ...]
    """Numbers of the messages around it within its sitting."""


def rank(
    pool: SearchPool, k: int, weights: Weights | None = None, *, within: Container[int] | None = None
) -> list[Ranked]:
    """The best ``k`` candidates, best first; equal scores in log order.

    ``within``: only messages of these numbers, and no summaries.
    """
    ranking = _Ranking(pool, weights or Weights())
    scores = ranking.scores()
    if within is not None:
        scores = {place: scores[place] for place in scores if not place[2] and place[0] in within}
    best = nsmallest(k, scores, key=lambda place: (-scores[place], place))
    return [ranking.ranked(place, scores[place]) for place in best]


Place = tuple[int, int, str]
"""First message number, branch, and the reference of a summary or nothing."""


class _Ranking:
    def __init__(self, pool: SearchPool, weights: Weights) -> None:
        self._weights = weights
        self._lengths = pool.lengths
        self._mean = pool.mean_length or 1.0
        self._known_near: dict[Place, list[Place]] = {}
        self._documents: dict[Place, SearchDocument] = {
            (document.first, document.branch, document.ref if document.role == "summary" else ""): document
            for document in pool.documents
        }
        self._rarity = {
            term: math.log(1 + (pool.total - held + 0.5) / (held + 0.5))
            for term, held in pool.frequencies.items()
        }

    def scores(self) -> dict[Place, float]:
        """Every candidate's score: what it holds itself, and what the messages around it hold."""
        scores: dict[Place, float] = {}
        around: dict[Place, Counts] = {}
        for place, document in self._documents.items():
            scores[place] = self._weigh(document.terms, document.length / self._mean)
            if not place[2] and self._weights.neighbours:
                for near in self._near(place):
                    _add(around, near, document.terms)
        for place, counts in around.items():
            length = sum(self._lengths[near[1], near[0]][0] for near in self._near(place))
            part = self._weigh(counts, length / (2 * self._weights.reach * self._mean))
            scores[place] = scores.get(place, 0.0) + self._weights.neighbours * part
        roles = self._weights.roles
        return {place: score * roles.get(self._role(place), 1.0) for place, score in scores.items()}

    def ranked(self, place: Place, score: float) -> Ranked:
        """The candidate as it is handed on."""
        document = self._documents.get(place)
        terms = sorted(document.terms if document else (), key=lambda term: (-self._rarity[term], term))
        near = () if place[2] else tuple(number for number, _, _ in self._near(place))
        return Ranked(place[2] or f"m:{place[0]}", place[0], score, tuple(terms), near)

    def _role(self, place: Place) -> str:
        return "summary" if place[2] else self._lengths[place[1], place[0]][2]

    def _near(self, place: Place) -> list[Place]:
        if (known := self._known_near.get(place)) is not None:
            return known
        seq, branch, _ = place
        sitting, reach = self._lengths[branch, seq][1], self._weights.reach
        near = self._known_near[place] = [
            (number, branch, "")
            for number in range(seq - reach, seq + reach + 1)
            if number != seq
            and (found := self._lengths.get((branch, number))) is not None
            and found[1] == sitting
        ]
        return near

    def _weigh(self, counts: Mapping[str, int], length: float) -> float:
        """BM25's sum over terms; ``length`` is relative to the mean."""
        k1, b = self._weights.saturation, self._weights.length
        held_back, rarity = k1 * (1 - b + b * length), self._rarity
        return sum(rarity[term] * count * (k1 + 1) / (count + held_back) for term, count in counts.items())


def _add(around: dict[Place, Counts], place: Place, terms: Mapping[str, int]) -> None:
    counts = around.setdefault(place, {})
    for term, count in terms.items():
        counts[term] = counts.get(term, 0) + count
