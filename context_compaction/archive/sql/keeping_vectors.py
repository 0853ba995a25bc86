"""`VectorKeeper`: the part of an archive in a relational database that is about vectors."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager

from context_compaction.archive.base import Archive
from context_compaction.archive.records import Near, VectorModel
from context_compaction.archive.sql import vectors
from context_compaction.archive.sql.database import Database
from context_compaction.archive.sql.matrices import Asked, Matrices
from context_compaction.archive.sql.spans import spans_of


class VectorKeeper(Archive):
    """Keeps vectors in the database, and searches them in memory."""

    def __init__(self) -> None:
        self._matrices = Matrices()

    @abstractmethod
    def _reading(self, branch: int = 0) -> AbstractContextManager[Database]:
        """A transaction that sees one state of the archive throughout, of ``branch`` above all."""

    def _surveying(self) -> AbstractContextManager[Database]:
        """The same for what streams, and goes on where a statement fails."""
        return self._reading()

    @abstractmethod
    def _writing(self, branch: int) -> AbstractContextManager[Database]:
        """A transaction that is the only one writing to the session of ``branch``."""

    @property
    def keeps_vectors(self) -> bool:
        """Beside the documents that they are of, and gone with them."""
        return True

    def unembedded(
        self, branch: int, model: VectorModel, limit: int = 1000, *, after: tuple[int, int] = (0, 0)
    ) -> list[str]:
        """One statement for each log that the branch sees, by index."""
        with self._reading(branch) as connection:
            return vectors.unembedded(connection, spans_of(connection, branch), model, limit, after)

    def add_vectors(
        self, branch: int, model: VectorModel, made: Mapping[str, Sequence[float] | None]
    ) -> None:
        """A byte a dimension and one scale: on LoCoMo they find what floats find."""
        rows = vectors.prepare(made, model)
        with self._writing(branch) as connection:
            vectors.add(connection, spans_of(connection, branch), model, rows)

    def nearest(
        self,
        branch: int,
        model: VectorModel,
        vector: Sequence[float],
        limit: int = 300,
        *,
        beside: Collection[int] = (),
    ) -> list[Near]:
        """Exact, over matrices that are kept in memory, one for each log, and grow with it."""
        with self._reading(branch) as connection:
            spans = spans_of(connection, branch)
            return self._matrices.nearest(connection, spans, Asked(model, vector, limit, beside))
