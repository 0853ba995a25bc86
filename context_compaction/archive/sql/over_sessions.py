"""`SessionSearcher`: the part of an archive in a relational database that searches sessions together."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager

from context_compaction.archive.over_sessions import EVERYTHING, Moment, OverSessions, Place, Seat, Within
from context_compaction.archive.records import Near, SearchPool, VectorModel
from context_compaction.archive.sql import crossing
from context_compaction.archive.sql.database import Database
from context_compaction.archive.sql.matrices import Asked
from context_compaction.archive.sql.namespace_matrices import NamespaceMatrices
from context_compaction.messages import Message
from context_compaction.text.periods import Period


class SessionSearcher(OverSessions):
    """The database finds candidates, as it does in one session."""

    def __init__(self) -> None:
        super().__init__()
        self._namespace_matrices = NamespaceMatrices()

    @abstractmethod
    def _reading(self, branch: int = 0) -> AbstractContextManager[Database]:
        """A transaction that sees one state of the archive throughout, of ``branch`` above all."""

    @abstractmethod
    def _crossing(
        self, connection: Database, namespace: int, moment: Moment, within: Within
    ) -> crossing.Crossing:
        """The search index, within these bounds of a namespace."""

    def search_sessions(
        self,
        namespace: str,
        terms: Sequence[str],
        limit: int = 300,
        *,
        periods: Sequence[Period] = (),
        within: Within = EVERYTHING,
    ) -> SearchPool:
        """One look at the index for each term, one at each session for its size."""
        with self._reading() as connection:
            key = crossing.namespace_key(connection, namespace)
            if key is None:
                return SearchPool((), 0, 0.0, dict.fromkeys(terms, 0), [0] * len(periods), 0)
            moment = within.moment or crossing.moment_of(connection, key)
            return crossing.find(self._crossing(connection, key, moment, within), terms, periods, limit)

    def seats(self, places: Collection[Place], within: Within = EVERYTHING) -> dict[Place, Seat]:
        """One statement."""
        with self._reading() as connection:
            return crossing.seats(connection, places, within)

    def messages_at(self, places: Collection[Place]) -> dict[Place, Message]:
        """One statement."""
        with self._reading() as connection:
            return crossing.messages_at(connection, places)

    def session_ids(self, branches: Collection[int]) -> dict[int, str]:
        """One statement."""
        with self._reading() as connection:
            return crossing.session_ids(connection, branches)

    def moment(self, namespace: str) -> Moment:
        """One look at each session."""
        with self._reading() as connection:
            return crossing.moment_of(connection, crossing.namespace_key(connection, namespace))

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
        """Exact, over one matrix for the namespace that is kept in memory and grows with it."""
        with self._reading() as connection:
            key = crossing.namespace_key(connection, namespace)
            if key is None:
                return []
            asked = Asked(model, vector, limit, ())
            return self._namespace_matrices.nearest(connection, key, asked, beside, within)
