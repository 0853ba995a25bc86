"""`OfNamespace`: the sessions of a namespace searched as if they were one log."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import replace

from context_compaction.archive.base import Archive
from context_compaction.archive.over_sessions import Moment, Within
from context_compaction.archive.records import Near, SearchDocument, SearchPool, VectorModel
from context_compaction.errors import StaleView
from context_compaction.messages import Message
from context_compaction.recall.bounds import Bounds
from context_compaction.recall.query import Query
from context_compaction.recall.searched import Searched
from context_compaction.view import Range, SummaryRecord

STRIDE = 2**32
"""Numbers for each branch: its messages stand next to one another, and far from any other's."""


class OfNamespace(Searched):
    """Every session of a namespace, on the branch that it is on. A number is a branch and a message of it."""

    def __init__(
        self, archive: Archive, namespace: str, *, bounds: Bounds, moment: Moment | None = None
    ) -> None:
        """``moment``: as the namespace was then. Raises `QueryError` for bounds that are messages."""
        since, until = bounds.times()
        self._archive = archive
        self._namespace = namespace
        self._within = Within(since, until, moment)
        self._names: dict[int, str] = {}
        self.inside = self._inside = set[int]()

    def at_once(self) -> AbstractContextManager[object]:
        """As the archive does."""
        return self._archive.at_once()

    @property
    def keeps_vectors(self) -> bool:
        """As the archive does; at an earlier moment by words alone, as vectors come late."""
        return self._archive.keeps_vectors and self._within.moment is None

    def search(self, query: Query, limit: int) -> SearchPool:
        """By the statistics of the namespace.

        What several sessions share is there for each whose own messages stand beside it: it lends them its
        words, and is a hit for one of them alone.
        """
        pool = self._archive.search_sessions(
            self._namespace, list(query.words), limit, periods=query.periods, within=self._within
        )
        own = [_numbered(found, found.branch) for found in pool.documents]
        shared = [_numbered(found, branch) for found in pool.documents for branch in found.also]
        self._inside.update(found.first for found in own)
        return replace(pool, documents=[*own, *shared])

    def sittings(self, seqs: Collection[int]) -> dict[int, int]:
        """One look-up."""
        seats = self._archive.seats([divmod(number, STRIDE) for number in seqs], self._within)
        self._inside.update(branch * STRIDE + seq for (branch, seq), seat in seats.items() if seat.own)
        return {
            branch * STRIDE + seq: branch * STRIDE + seat.sitting for (branch, seq), seat in seats.items()
        }

    def messages(self, seqs: Collection[int]) -> dict[int, Message]:
        """One look-up; what was forgotten since is left out."""
        found = self._archive.messages_at([divmod(number, STRIDE) for number in seqs])
        return {branch * STRIDE + seq: message for (branch, seq), message in found.items()}

    def summaries(self, numbers: Collection[int]) -> dict[int, SummaryRecord]:
        """A look-up for each branch; what was forgotten since is left out."""
        found: dict[int, SummaryRecord] = {}
        for branch, wanted in _by_branch(numbers).items():
            with suppress(StaleView):
                for number, summary in self._archive.summaries(branch, wanted).items():
                    moved = _moved(summary.ranges, branch * STRIDE)
                    found[branch * STRIDE + number] = replace(summary, ranges=moved)
        return found

    def nearest(
        self, model: VectorModel, vector: Sequence[float], limit: int, beside: Collection[int]
    ) -> list[Near]:
        """Each once for each branch that it is asked for with, and for the one that it is a hit of."""
        places = [divmod(number, STRIDE) for number in beside]
        near = self._archive.nearest_over(
            self._namespace, model, vector, limit, beside=places, within=self._within
        )
        found = {_near(branch, one): one.similarity for branch, one in near}
        self._inside.update({seq for seq, _ in found}.difference(beside))
        return [Near(seq, summary, similarity) for (seq, summary), similarity in found.items()]

    def covers(self, ranges: Sequence[Range]) -> bool:  # noqa: ARG002 - all are asked alike
        """Where time bounds, no summary was taken."""
        return True

    def reference(self, kind: str, number: int) -> str:
        """With the session that it is of."""
        branch, local = divmod(number, STRIDE)
        return f"{kind}:{local}@{self._names.get(branch, '')}"

    def told(self, summary: SummaryRecord) -> SummaryRecord:
        """With its session's own numbers."""
        branch = summary.ranges[0][0] // STRIDE if summary.ranges else 0
        return replace(summary, ranges=_moved(summary.ranges, -branch * STRIDE))

    def session_ids(self, numbers: Collection[int]) -> Mapping[int, str]:
        """One look-up; `reference` knows these from then on."""
        self._names |= self._archive.session_ids({number // STRIDE for number in numbers})
        return {number: self._names.get(number // STRIDE, "") for number in numbers}


def _numbered(found: SearchDocument, branch: int) -> SearchDocument:
    """A document with the numbers of a branch that shows it; where a summary begins stands no message."""
    base = branch * STRIDE
    kind, number = found.ref.split(":")
    return SearchDocument(
        branch,
        f"{kind}:{base + int(number)}",
        base + found.first + (STRIDE // 2 if kind == "s" else 0),
        found.role,
        base + found.sitting,
        found.length,
        found.terms,
        found.periods,
    )


def _near(branch: int, found: Near) -> tuple[int, int]:
    """The numbers of what is near, and of a summary."""
    base = branch * STRIDE
    if found.summary:
        return base + STRIDE // 2 + found.seq, base + found.summary
    return base + found.seq, 0


def _by_branch(numbers: Iterable[int]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    for number in numbers:
        branch, local = divmod(number, STRIDE)
        found[branch].append(local)
    return found


def _moved(ranges: Sequence[Range], by: int) -> tuple[Range, ...]:
    return tuple((first + by, last + by) for first, last in ranges)
