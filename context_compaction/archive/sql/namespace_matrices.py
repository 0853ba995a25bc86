"""Exact search over the vectors of a namespace: one matrix in memory, for whoever searches all its sessions.

It is apart from those of the logs (`matrices`): to go through thousands of these would cost more than the
numbers in them. What it has is only ever answered with if the database still shows it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from context_compaction.archive.over_sessions import Place, Within
from context_compaction.archive.records import Near
from context_compaction.archive.sql.crossing import shown_vectors, vectors_of
from context_compaction.archive.sql.database import Database
from context_compaction.archive.sql.matrices import MOST_BYTES, Asked, cosines, largest
from context_compaction.archive.sql.vectors import model_key

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

READ_VECTORS = """
SELECT vectors.id, documents.at, scale, data
FROM sessions JOIN branches ON branches.session = sessions.id
JOIN vectors ON vectors.branch = branches.id AND vectors.model = ? AND vectors.id > ?
JOIN documents ON documents.id = vectors.document
WHERE sessions.namespace = ? AND data IS NOT NULL ORDER BY vectors.id
"""
Found = list[tuple[int, Near]]
"""What is near, each with the branch that shows it."""


class _Matrix(NamedTuple):
    """A row for each vector of a namespace by one model, in the order in which they were stored."""

    ids: NDArray[np.int64]
    times: NDArray[np.float64]
    """When what it is of was said; NaN where that is not known."""
    scales: NDArray[np.float32]
    data: NDArray[np.int8]

    def rows(self, within: Within) -> NDArray[np.int64]:
        """Those of what was said then."""
        import numpy as np

        if not within.timed:
            return np.arange(len(self.ids))
        since = -np.inf if within.since is None else within.since
        until = np.inf if within.until is None else within.until
        return np.flatnonzero((self.times >= since) & (self.times < until))


class NamespaceMatrices:
    """The matrices of one archive's namespaces. Safe to use from threads."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[int, int], _Matrix] = OrderedDict()

    def clear(self) -> None:
        """Let go of all of them."""
        with self._lock:
            self._known.clear()

    def nearest(
        self, connection: Database, namespace: int, asked: Asked, places: Collection[Place], within: Within
    ) -> Found:
        """See `OverSessions.nearest_over`."""
        model = model_key(connection, asked.model)
        if not model or len(asked.vector) != asked.model.dimension:
            return []
        best = self._best(connection, namespace, model, asked, within) if asked.limit else []
        return best + _beside(connection, model, asked, places, within)

    def _best(self, connection: Database, namespace: int, model: int, asked: Asked, within: Within) -> Found:
        """The nearest that are shown; of twice as many as long as branches left behind took their places."""
        matrix = self._matrix(connection, namespace, model, asked.model.dimension)
        rows = matrix.rows(within)
        similar = cosines(matrix.data, matrix.scales, rows, asked.floats())
        wanted = asked.limit
        while True:
            nearest = largest(similar, wanted)
            keys: list[int] = matrix.ids[rows[nearest]].tolist()
            shown = shown_vectors(connection, keys, within)
            if len(shown) >= asked.limit or len(keys) == len(rows):
                break
            wanted *= 2
        near = [
            (branch, Near(seq, summary, cosine))
            for key, cosine in zip(keys, similar[nearest].tolist(), strict=True)
            if key in shown
            for branch, seq, summary in [shown[key]]
        ]
        near.sort(key=lambda one: (-one[1].similarity, one[0], one[1].seq, one[1].summary))
        return near[: asked.limit]

    def _matrix(self, connection: Database, namespace: int, model: int, dimension: int) -> _Matrix:
        """As the connection's transaction sees it, what was known before not read again."""
        with self._lock:
            known = self._known.pop((namespace, model), None) or _empty(dimension)
            last = int(known.ids[-1]) if len(known.ids) else 0
            rows = connection.execute(READ_VECTORS, (model, last, namespace)).fetchall()
            matrix = self._known[namespace, model] = _grown(known, rows)
            while len(self._known) > 1 and self._bytes() > self._most_bytes:
                self._known.popitem(last=False)
            return matrix

    def _bytes(self) -> int:
        return sum(one.data.nbytes for one in self._known.values())


def _beside(
    connection: Database, model: int, asked: Asked, places: Collection[Place], within: Within
) -> Found:
    import numpy as np

    found = vectors_of(connection, places, model, within) if places else []
    found = [one for one in found if len(one[2]) == asked.model.dimension]
    if not found:
        return []
    named, scales, data = zip(*found, strict=True)
    numbers = np.frombuffer(b"".join(data), np.int8).reshape(len(found), -1)
    similar = cosines(numbers, np.array(scales, np.float32), np.arange(len(found)), asked.floats())
    return [
        (branch, Near(seq, 0, cosine)) for (branch, seq), cosine in zip(named, similar.tolist(), strict=True)
    ]


def _empty(dimension: int) -> _Matrix:
    import numpy as np

    return _Matrix(
        np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.float32), np.zeros((0, dimension), np.int8)
    )


def _grown(matrix: _Matrix, rows: Sequence[tuple[Any, ...]]) -> _Matrix:
    import numpy as np

    dimension = matrix.data.shape[1]
    rows = [row for row in rows if len(row[3]) == dimension]  # `verify` names the others
    if not rows:
        return matrix
    ids, times, scales, data = zip(*rows, strict=True)
    return _Matrix(
        np.concatenate([matrix.ids, np.array(ids, np.int64)]),
        np.concatenate([matrix.times, np.array(times, np.float64)]),
        np.concatenate([matrix.scales, np.array(scales, np.float32)]),
        np.concatenate([matrix.data, np.frombuffer(b"".join(data), np.int8).reshape(-1, dimension)]),
    )
