"""The part of an archive's contract that is about searching the sessions of a namespace together."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from typing import NamedTuple

from context_compaction.archive.records import Near, SearchPool, VectorModel
from context_compaction.messages import Message
from context_compaction.text.periods import Period

Place = tuple[int, int]
"""A branch, and the number of a message that it shows."""


class Moment(NamedTuple):
    """What a namespace had at a time, for a search as of then."""

    document: int = 0
    """The archive's newest document."""
    documents: int = 0
    """Of the namespace; an estimate where sessions have forked."""
    terms: int = 0
    """Of these documents."""
    sittings: int = 0
    """Of the namespace; an estimate by some of its sessions."""


class Seat(NamedTuple):
    """Where a message stands among those of a branch."""

    sitting: int
    own: bool
    """Whether a search over sessions says that it is this branch's: none that is older shows it."""


class Within(NamedTuple):
    """Bounds of a search over sessions."""

    since: float | None = None
    """Said from this moment on, in epoch seconds: no summaries, then."""
    until: float | None = None
    """Said before it."""
    moment: Moment | None = None
    """What was there then; None: now."""

    @property
    def timed(self) -> bool:
        """Whether it is bounded by time."""
        return self.since is not None or self.until is not None


EVERYTHING = Within()


class OverSessions(ABC):
    """What every `Archive` does, too."""

    @abstractmethod
    def search_sessions(
        self,
        namespace: str,
        terms: Sequence[str],
        limit: int = 300,
        *,
        periods: Sequence[Period] = (),
        within: Within = EVERYTHING,
    ) -> SearchPool:
        """`search` over the sessions of a namespace, each on the branch that it is on; none if it has none.

        A document's ``branch`` is the one that shows it: of what several sessions share, the oldest. All is
        by the statistics of the namespace, in which branches that were left behind still count.
        ``period_frequencies`` and ``sittings`` are estimates. ``within``: nothing else is taken.
        """

    @abstractmethod
    def seats(self, places: Collection[Place], within: Within = EVERYTHING) -> dict[Place, Seat]:
        """Where each of these messages stands that can be found and is within."""

    @abstractmethod
    def messages_at(self, places: Collection[Place]) -> dict[Place, Message]:
        """What these messages say, those that are there; a pruned one's tombstone."""

    @abstractmethod
    def session_ids(self, branches: Collection[int]) -> dict[int, str]:
        """Of which session each of these branches is."""

    @abstractmethod
    def moment(self, namespace: str) -> Moment:
        """What the namespace has now, for a search that is to give later what it gives now."""

    def nearest_over(
        self,
        namespace: str,
        model: VectorModel,
        vector: Sequence[float],
        limit: int = 300,
        *,
        beside: Collection[Place] = (),
        within: Within = EVERYTHING,
    ) -> list[tuple[int, Near]]:
        """`Archive.nearest` over what `search_sessions` searches, each with the branch that shows it.

        Then the messages ``beside`` with the branches that are named, though they were among the others.
        """
        raise NotImplementedError
