"""Exact search over vectors: one matrix in memory for each log and model, which grows as the log does.

What is in memory is checked against the file at each search: a vector whose row is gone is not answered
with, and the matrix is read anew. Row numbers are never used again, so that a row which is there is the
one that was read.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from context_compaction.archive.records import Near, VectorModel
from context_compaction.archive.sql.database import Database
from context_compaction.archive.sql.spans import FOREVER, Span
from context_compaction.archive.sql.vectors import model_key

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Rows = NDArray[np.int64]

READ_VECTORS = """
SELECT vectors.id, documents.seq, documents.summary, scale, data
FROM vectors JOIN documents ON documents.id = vectors.document
WHERE vectors.branch = ? AND model = ? AND vectors.id > ? AND data IS NOT NULL ORDER BY vectors.id
"""
STILL_THERE = "SELECT count(*) FROM vectors WHERE id IN (SELECT value FROM json_each(?))"
MOST_BYTES = 256_000_000
"""Of matrices that are kept in memory; one that is larger is kept alone."""
_CHUNK = 1024
"""Rows that are made floats at a time: so few that the room for them is used again. 100,000 rows of 384 take
7 ms of CPU time so, and 90 ms by 8192."""


class Matrix(NamedTuple):
    """The vectors of a log by one model, a row each, in the order in which they were stored."""

    ids: NDArray[np.int64]
    places: NDArray[np.int64]
    """Number of the message (or the first of a summary's), and the summary's; two columns."""
    scales: NDArray[np.float32]
    data: NDArray[np.int8]

    @property
    def last(self) -> int:
        """The newest row."""
        return int(self.ids[-1]) if len(self.ids) else 0

    def seen(self, span: Span) -> Rows:
        """The rows of what a span shows."""
        import numpy as np

        if span.last == FOREVER:
            return np.arange(len(self.ids))
        return np.flatnonzero((self.places[:, 0] <= span.last) & (self.places[:, 1] <= span.last_summary))

    def messages(self, rows: Rows, seqs: Collection[int]) -> Rows:
        """Those of ``rows`` that are of these messages."""
        import numpy as np

        places = self.places[rows]
        return rows[(places[:, 1] == 0) & np.isin(places[:, 0], list(seqs))]

    def similarities(self, vector: NDArray[np.float32], rows: Rows) -> NDArray[np.float32]:
        """Of these rows to a vector of length 1."""
        return cosines(self.data, self.scales, rows, vector)

    def near(self, rows: Rows, similar: NDArray[np.float32]) -> list[tuple[int, Near]]:
        """The rows as they are answered with, and their numbers."""
        return [
            (number, Near(seq, summary, similarity))
            for number, (seq, summary), similarity in zip(
                self.ids[rows].tolist(), self.places[rows].tolist(), similar.tolist(), strict=True
            )
        ]


@dataclass(frozen=True, slots=True)
class Asked:
    """What `Archive.nearest` is asked for."""

    model: VectorModel
    vector: Sequence[float]
    limit: int
    beside: Collection[int]

    def floats(self) -> NDArray[np.float32]:
        """The vector, brought to length 1."""
        import numpy as np

        vector = np.asarray(self.vector, np.float32)
        length = float(np.linalg.norm(vector))
        return vector / np.float32(length or 1.0)


class Matrices:
    """The matrices of one archive. Safe to use from threads."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[int, int], Matrix] = OrderedDict()
        self._keys: dict[VectorModel, int] = {}

    def clear(self) -> None:
        """Let go of all of them."""
        with self._lock:
            self._known.clear()
            self._keys.clear()

    def nearest(self, connection: Database, spans: Sequence[Span], asked: Asked) -> list[Near]:
        """See `Archive.nearest`."""
        key = self._keys.get(asked.model) or model_key(connection, asked.model)
        if key:
            self._keys[asked.model] = key
        if not key or len(asked.vector) != asked.model.dimension:
            return []
        found = self._found(connection, spans, key, asked)
        ids = json.dumps([number for number, _ in found])
        if connection.execute(STILL_THERE, (ids,)).fetchone()[0] != len(found):
            self.clear()
            found = self._found(connection, spans, key, asked)
        return [near for _, near in found]

    def _found(
        self, connection: Database, spans: Sequence[Span], key: int, asked: Asked
    ) -> list[tuple[int, Near]]:
        """With the numbers of their rows."""
        vector = asked.floats()
        best: list[tuple[int, Near]] = []
        named: list[tuple[int, Near]] = []
        for span in spans:
            matrix = self._matrix(connection, span.branch, key, asked.model.dimension)
            seen = matrix.seen(span)
            beside = matrix.messages(seen, asked.beside)
            named += matrix.near(beside, matrix.similarities(vector, beside))
            if asked.limit:
                similar = matrix.similarities(vector, seen)
                nearest = largest(similar, asked.limit)
                best += matrix.near(seen[nearest], similar[nearest])
        best.sort(key=lambda one: (-one[1].similarity, one[1].seq, one[1].summary))
        taken = best[: asked.limit]
        known = {number for number, _ in taken}
        return taken + [one for one in named if one[0] not in known]

    def _matrix(self, connection: Database, branch: int, model: int, dimension: int) -> Matrix:
        """As the connection's transaction sees it, what was known before not read again."""
        with self._lock:
            known = self._known.pop((branch, model), None) or empty(dimension)
            rows = connection.execute(READ_VECTORS, (branch, model, known.last)).fetchall()
            matrix = self._known[branch, model] = grown(known, rows)
            while (
                len(self._known) > 1
                and sum(one.data.nbytes for one in self._known.values()) > self._most_bytes
            ):
                self._known.popitem(last=False)
            return matrix


def empty(dimension: int) -> Matrix:
    """Of a log without vectors."""
    import numpy as np

    return Matrix(
        np.zeros(0, np.int64),
        np.zeros((0, 2), np.int64),
        np.zeros(0, np.float32),
        np.zeros((0, dimension), np.int8),
    )


def grown(matrix: Matrix, rows: Sequence[tuple[Any, ...]]) -> Matrix:
    """With the rows of `READ_VECTORS` that came behind it."""
    import numpy as np

    dimension = matrix.data.shape[1]
    rows = [row for row in rows if len(row[4]) == dimension]  # `verify` names the others
    if not rows:
        return matrix
    ids, seqs, summaries, scales, data = zip(*rows, strict=True)
    return Matrix(
        np.concatenate([matrix.ids, np.array(ids, np.int64)]),
        np.concatenate([matrix.places, np.array([seqs, summaries], np.int64).T]),
        np.concatenate([matrix.scales, np.array(scales, np.float32)]),
        np.concatenate([matrix.data, np.frombuffer(b"".join(data), np.int8).reshape(-1, dimension)]),
    )


def cosines(
    data: NDArray[np.int8], scales: NDArray[np.float32], rows: Rows, vector: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Of these rows of ``data``, each times its scale, to a vector of length 1."""
    import numpy as np

    found = np.empty(len(rows), np.float32)
    for start in range(0, len(rows), _CHUNK):
        chunk = rows[start : start + _CHUNK]
        found[start : start + _CHUNK] = data[chunk].astype(np.float32) @ vector
    # What is stored is a little longer or shorter than 1.
    return np.clip(found * scales[rows], -1.0, 1.0)


def largest(similar: NDArray[np.float32], limit: int) -> Rows:
    """The places of the ``limit`` largest."""
    import numpy as np

    if len(similar) <= limit:
        return np.arange(len(similar))
    return np.argpartition(-similar, limit - 1)[:limit]
