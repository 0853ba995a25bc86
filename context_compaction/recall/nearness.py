"""How near messages and summaries are to a question, by their vectors and those of the messages around."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from context_compaction.archive.records import Near
from context_compaction.recall.weights import Weights


class Nearness:
    """Cosines by place: a message's number, or a summary's below zero."""

    def __init__(self, near: Iterable[Near], weights: Weights) -> None:
        self._near = {-found.summary if found.summary else found.seq: found for found in near}
        self._from = weights.similar_from
        self._shares = ((-1, weights.similar_before), (1, weights.similar_after))

    def similarity(self, place: int) -> float | None:
        """Its own cosine, if it is known."""
        found = self._near.get(place)
        return found.similarity if found else None

    def first(self, place: int) -> int:
        """Where in the log it begins."""
        return self._near[place].seq

    def smoothed(self, sittings: Mapping[int, int]) -> dict[int, float]:
        """By place, how much nearer than a text that has nothing to do with it; only those that are.

        The mean of its own cosine and, with their shares, those right before and after it in its sitting: one
        that stands alone in its subject is likelier near by chance.
        """
        values = {place: self._mean(place, sittings) - self._from for place in self._near}
        return {place: value for place, value in values.items() if value > 0}

    def _mean(self, place: int, sittings: Mapping[int, int]) -> float:
        own = self._near[place].similarity
        if place < 0:
            return own
        total, weight = own, 1.0
        for offset, share in self._shares:
            beside = self._near.get(place + offset)
            if (
                beside is not None
                and place + offset > 0
                and sittings.get(place + offset) == sittings.get(place)
            ):
                total += share * beside.similarity
                weight += share
        return total / weight
