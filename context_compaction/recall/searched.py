"""`Searched`: what a recall goes over, one branch of a session, as a log with numbers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Container, Mapping, Sequence
from contextlib import AbstractContextManager

from context_compaction.archive.base import Archive
from context_compaction.archive.records import Near, SearchPool, Upto, VectorModel
from context_compaction.messages import Message
from context_compaction.recall.bounds import Bounds
from context_compaction.recall.query import Query
from context_compaction.recall.ranking import said_before
from context_compaction.view import Range, SummaryRecord


class Searched(ABC):
    """Candidates of a search and what is known of them, by numbers that are its own.

    Neighbours have numbers next to one another. Bounds of the search are bounds of every answer.
    """

    inside: Container[int] | None = None
    """The messages that lie within the bounds, and the first ones of summaries that may; None: all."""

    @abstractmethod
    def at_once(self) -> AbstractContextManager[object]:
        """As `Archive.at_once`."""

    @property
    @abstractmethod
    def keeps_vectors(self) -> bool:
        """Whether `nearest` is there."""

    @abstractmethod
    def search(self, query: Query, limit: int) -> SearchPool:
        """The documents that hold a word of the query or are of its times."""

    @abstractmethod
    def sittings(self, seqs: Collection[int]) -> dict[int, int]:
        """The sitting of each of these messages that is there and within the bounds."""

    @abstractmethod
    def messages(self, seqs: Collection[int]) -> dict[int, Message]:
        """What they say."""

    @abstractmethod
    def summaries(self, numbers: Collection[int]) -> dict[int, SummaryRecord]:
        """These summaries, with the numbers of their messages."""

    @abstractmethod
    def nearest(
        self, model: VectorModel, vector: Sequence[float], limit: int, beside: Collection[int]
    ) -> list[Near]:
        """As `Archive.nearest`."""

    @abstractmethod
    def covers(self, ranges: Sequence[Range]) -> bool:
        """Whether a summary of these messages lies within the bounds."""

    def reference(self, kind: str, number: int) -> str:
        """``m`` or ``s`` and a number as the one who asks knows it; once `session_ids` was asked for it."""
        return f"{kind}:{number}"

    def told(self, summary: SummaryRecord) -> SummaryRecord:
        """A summary as the one who asks knows it."""
        return summary

    def session_ids(self, numbers: Collection[int]) -> Mapping[int, str]:
        """Whose messages or summaries these are; empty within one session, which needs no name."""
        del numbers
        return {}


class OfBranch(Searched):
    """One branch with its ancestors up to the fork."""

    def __init__(
        self,
        archive: Archive,
        branch: int,
        *,
        within: Container[int] | None = None,
        before: int | None = None,
        bounds: Bounds | None = None,
        upto: Upto | None = None,
    ) -> None:
        """See `recall`."""
        self._archive = archive
        self._branch = branch
        self._before = before
        self._upto = upto
        self._ranges = None if bounds is None else bounds.within(archive, branch)
        self.inside = self._ranges if within is None else within
        self._end = before if before is not None else upto.seq + 1 if upto is not None else None

    def at_once(self) -> AbstractContextManager[object]:
        """As the archive does."""
        return self._archive.at_once()

    @property
    def keeps_vectors(self) -> bool:
        """The same."""
        return self._archive.keeps_vectors

    def search(self, query: Query, limit: int) -> SearchPool:
        """By the statistics of the branch."""
        pool = self._archive.search(
            self._branch,
            list(query.words),
            limit,
            periods=query.periods,
            ranges=None if self._ranges is None else self._ranges.ranges,
            upto=self._upto,
        )
        return pool if self._before is None else said_before(pool, self._before)

    def sittings(self, seqs: Collection[int]) -> dict[int, int]:
        """Before the end."""
        return self._archive.sittings(self._branch, [seq for seq in seqs if self._shows(seq)])

    def messages(self, seqs: Collection[int]) -> dict[int, Message]:
        """One look-up."""
        ranges = [(seq, seq) for seq in seqs]
        rows = self._archive.messages(self._branch, ranges) if ranges else []
        return {row.seq: row.message for row in rows}

    def summaries(self, numbers: Collection[int]) -> dict[int, SummaryRecord]:
        """One look-up."""
        return self._archive.summaries(self._branch, numbers) if numbers else {}

    def nearest(
        self, model: VectorModel, vector: Sequence[float], limit: int, beside: Collection[int]
    ) -> list[Near]:
        """Before the end."""
        near = self._archive.nearest(self._branch, model, vector, limit, beside=beside)
        return [found for found in near if found.summary or self._shows(found.seq)]

    def covers(self, ranges: Sequence[Range]) -> bool:
        """All of its messages do."""
        return self._ranges is None or self._ranges.covers(ranges)

    def _shows(self, seq: int) -> bool:
        return self._end is None or seq < self._end
