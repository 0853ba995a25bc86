"""Ranking: how well each message and summary answers a query, by the statistics of its own scope alone.

A score is the sum over the query's terms of how rare the term is times how much of it there is: in the
document itself, and with less weight in the messages around it, for what a question asks about is often
named one message before or after the one that answers it. To this comes what the sitting as a whole holds,
and that it is of a time which the query names. All of it is summed up here from the matches: nothing about
neighbours or sittings is stored, and nothing has to be rewritten when a log grows, forks or is pruned.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, replace
from heapq import nsmallest

from context_compaction.archive.records import Near, SearchDocument, SearchPool
from context_compaction.recall.nearness import Nearness
from context_compaction.recall.weights import Weights

Place = int
"""A message's number, or a summary's below zero."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """One candidate with its score, and the query terms and periods that it holds itself."""

    seq: int
    """The message's number; 0 for a summary."""
    summary: int
    """The summary's number; 0 for a message."""
    first: int
    """The message's number, or the first one that the summary stands for."""
    score: float
    terms: tuple[str, ...] = ()
    """Most telling first."""
    periods: tuple[int, ...] = ()
    similarity: float | None = None


def said_before(pool: SearchPool, seq: int) -> SearchPool:
    """The pool without message ``seq`` and later ones, which count in no frequency either.

    A stored question holds all its words: it would lend them to the messages around it, and each of them
    would seem to be less rare.
    """
    later = [found for found in pool.documents if found.role != "summary" and found.first >= seq]
    terms = Counter(term for found in later for term in found.terms)
    periods = Counter(period for found in later for period in found.periods)
    left = pool.total - len(later)
    return replace(
        pool,
        documents=[found for found in pool.documents if found not in later],
        total=left,
        mean_length=(pool.mean_length * pool.total - sum(found.length for found in later)) / (left or 1),
        frequencies={term: held - terms[term] for term, held in pool.frequencies.items()},
        period_frequencies=[held - periods[at] for at, held in enumerate(pool.period_frequencies)],
    )


def around(pool: SearchPool, weights: Weights) -> set[int]:
    """The messages whose sittings `rank` wants to know: those that stand beside a candidate."""
    reach = weights.reach if weights.neighbours else 0
    seqs = {document.first for document in pool.documents if document.role != "summary"}
    return {seq + offset for seq in seqs for offset in range(-reach, reach + 1)} - seqs


def rank(
    pool: SearchPool,
    sittings: Mapping[int, int],
    k: int,
    weights: Weights,
    *,
    within: Container[int] | None = None,
    summaries: bool = False,
    near: Iterable[Near] = (),
) -> list[Ranked]:
    """The best ``k`` candidates, best first; equal scores in log order.

    ``sittings`` are those of the messages `around`. ``within``: only messages of these numbers, and no
    summaries, or with ``summaries`` those that begin there. ``near``: what is near by its vector, candidates
    too; ``sittings`` then has theirs.
    """
    ranking = _Ranking(pool, sittings, weights, near)
    scores = ranking.scores()
    if within is not None:
        scores = {
            place: score
            for place, score in scores.items()
            if (summaries or place > 0) and ranking.first(place) in within
        }
    first = ranking.first
    best = nsmallest(k, [(-score, first(place), place) for place, score in scores.items()])
    return [ranking.ranked(place, scores[place]) for _, _, place in best]


class _Ranking:
    def __init__(
        self, pool: SearchPool, sittings: Mapping[int, int], weights: Weights, near: Iterable[Near]
    ) -> None:
        self._pool, self._weights = pool, weights
        self._near = Nearness(near, weights)
        self._documents: dict[Place, SearchDocument] = {_place(found): found for found in pool.documents}
        own = {place: found.sitting for place, found in self._documents.items() if place > 0}
        self._sittings = {**sittings, **own}
        self._offsets = [(offset, share) for offset, share in weights.lent() if offset]

    def scores(self) -> dict[Place, float]:
        """The score of every candidate, and of every message beside one."""
        # The loops of this class are most of what a recall takes: their bodies call as little as they can.
        scores: dict[Place, float] = {}
        shared: dict[Place, float] = {}
        known, saturation = scores.get, self._weights.saturation
        for term, held in self._postings().items():
            weight = self._weights.of_term(term)
            telling = weight * self._rarity(term)
            for place, count in self._spread(held).items():
                worth = count * (saturation + 1) / (count + saturation)  # `saturated`, but for the call
                scores[place] = known(place, 0.0) + telling * worth
            self._share(held, weight, shared)
        self._add_periods(scores)
        factor, sittings = self._weights.sitting, self._sittings
        scores = {
            place: score + factor * shared.get(sittings[place] if place > 0 else place, 0.0)
            for place, score in scores.items()
        }
        unit = rarity(1, self._pool.total)
        for place, nearness in self._near.smoothed(self._sittings).items():
            scores[place] = scores.get(place, 0.0) + self._weights.similarity * unit * nearness
        return scores

    def first(self, place: Place) -> int:
        """Where in the log it begins."""
        if place > 0:
            return place
        document = self._documents.get(place)
        return document.first if document else self._near.first(place)

    def ranked(self, place: Place, score: float) -> Ranked:
        """The candidate as it is handed on."""
        document = self._documents.get(place)
        terms = sorted(document.terms if document else (), key=lambda term: (-self._rarity(term), term))
        periods = tuple(sorted(document.periods)) if document else ()
        return Ranked(
            max(place, 0),
            max(-place, 0),
            self.first(place),
            score,
            tuple(terms),
            periods,
            self._near.similarity(place),
        )

    def _postings(self) -> dict[str, dict[Place, float]]:
        """How much of each term each candidate holds: counts, of a long document less (BM25's b)."""
        postings: dict[str, dict[Place, float]] = defaultdict(dict)
        b, mean = self._weights.length, self._pool.mean_length or 1.0
        for place, document in self._documents.items():
            held_back = 1 - b + b * document.length / mean
            for term, count in document.terms.items():
                postings[term][place] = count / held_back
        return postings

    def _spread(self, held: Mapping[Place, float]) -> dict[Place, float]:
        """The same with what each message lends to those around it in its sitting."""
        field, sittings, offsets = dict(held), self._sittings, self._offsets
        lent, sitting_of = field.get, sittings.get
        for place, count in held.items():
            if place < 0:
                continue
            sitting = sittings[place]
            for offset, weight in offsets:
                near = place + offset
                if sitting_of(near) == sitting:
                    field[near] = lent(near, 0.0) + weight * count
        return field

    def _share(self, held: Iterable[Place], weight: float, shared: dict[Place, float]) -> None:
        """Add to each sitting that holds the term how rare the term is among sittings."""
        sittings = self._sittings
        wholes = {sittings[place] if place > 0 else place for place in held}  # a summary is one by itself
        telling = weight * rarity(sum(whole >= 0 for whole in wholes), self._pool.sittings)
        for whole in wholes:
            shared[whole] = shared.get(whole, 0.0) + telling

    def _add_periods(self, scores: dict[Place, float]) -> None:
        frequencies = self._pool.period_frequencies
        for place, document in self._documents.items():
            for period in document.periods:
                telling = self._weights.periods * rarity(frequencies[period], self._pool.total)
                scores[place] = scores.get(place, 0.0) + telling

    def _rarity(self, term: str) -> float:
        return rarity(self._pool.frequencies[term], self._pool.total)


def _place(document: SearchDocument) -> Place:
    return -int(document.ref[2:]) if document.role == "summary" else document.first


def rarity(held: int, total: int) -> float:
    """How telling it is that something is among ``held`` of ``total``; never nothing."""
    return math.log(1 + (max(total, held) - held + 0.5) / (held + 0.5))


def saturated(count: float, saturation: float) -> float:
    """How much so much of a term is worth: 1 for one, less for each further one."""
    return count * (saturation + 1) / (count + saturation)
