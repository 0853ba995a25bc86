"""Vectors beside the documents that they are of: which are missing, and putting them there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from context_compaction.archive.quantized import quantized
from context_compaction.archive.records import VectorModel
from context_compaction.archive.sql.database import Database
from context_compaction.archive.sql.names import escaped
from context_compaction.archive.sql.spans import Span

FIND_MODEL = "SELECT id FROM vector_models WHERE name = ? AND dimension = ?"
ADD_MODEL = "INSERT INTO vector_models (name, dimension) VALUES (?, ?) ON CONFLICT DO NOTHING"
MESSAGES_WITHOUT = """
SELECT 'm:' || seq FROM documents
WHERE branch = ? AND summary = 0 AND seq > ? AND seq <= ?
    AND NOT EXISTS (SELECT 1 FROM vectors WHERE document = documents.id AND model = ?)
ORDER BY seq LIMIT ?
"""
SUMMARIES_WITHOUT = """
SELECT 's:' || summary FROM documents
WHERE branch = ? AND summary > ? AND summary <= ?
    AND NOT EXISTS (SELECT 1 FROM vectors WHERE document = documents.id AND model = ?)
ORDER BY summary LIMIT ?
"""
ADD_TO_MESSAGE = """
INSERT INTO vectors (branch, document, model, scale, data)
SELECT branch, id, ?, ?, ? FROM documents WHERE branch = ? AND summary = 0 AND seq = ?
ON CONFLICT (document, model) DO NOTHING
"""
ADD_TO_SUMMARY = """
INSERT INTO vectors (branch, document, model, scale, data)
SELECT branch, id, ?, ?, ? FROM documents WHERE branch = ? AND summary = ?
ON CONFLICT (document, model) DO NOTHING
"""
LOCK_NAMESPACE = """
UPDATE namespaces SET name = name WHERE id = (
    SELECT namespace FROM sessions JOIN branches ON branches.session = sessions.id WHERE branches.id = ?
)
"""
LOCK = "UPDATE branches SET version = version WHERE id = ?"
# All but this model and, of the others that the log has vectors of, the newest.
REMOVE_OLDER = """
DELETE FROM vectors WHERE branch = ?1 AND model <> ?2 AND model <> (
    SELECT max(id) FROM vector_models WHERE id <> ?2
        AND EXISTS (SELECT 1 FROM vectors WHERE branch = ?1 AND model = vector_models.id)
)
"""


class Row(NamedTuple):
    """One vector, worked out before the transaction."""

    letter: str
    """``m`` for a message, ``s`` for a summary."""
    number: int
    scale: float
    data: bytes | None


def prepare(vectors: Mapping[str, Sequence[float] | None], model: VectorModel) -> list[Row]:
    """Encode vectors. Needs no connection, so no lock is held meanwhile."""
    rows: list[Row] = []
    for ref, vector in vectors.items():
        if vector is not None and len(vector) != model.dimension:
            raise ValueError(f"{ref}: a vector of {len(vector)}, not of {model.dimension} numbers")
        scale, data = (0.0, None) if vector is None else quantized(vector)
        rows.append(Row(ref[0], int(ref[2:]), scale, data))
    return rows


def model_key(connection: Database, model: VectorModel) -> int:
    """The archive's number of a model; 0 when it has no vectors of it."""
    found = connection.execute(FIND_MODEL, (escaped(model.name), model.dimension)).fetchone()
    return found[0] if found else 0


def unembedded(
    connection: Database,
    spans: Sequence[Span],
    model: VectorModel,
    limit: int,
    after: tuple[int, int],
) -> list[str]:
    """What has no vector of the model, messages first."""
    key, (seq, summary) = model_key(connection, model), after
    found: list[str] = []
    for span in spans:
        bounds = (span.branch, max(seq, span.first - 1), span.last, key, limit - len(found))
        found += (ref for (ref,) in connection.execute(MESSAGES_WITHOUT, bounds))
    for span in spans:
        bounds = (span.branch, summary, span.last_summary, key, limit - len(found))
        found += (ref for (ref,) in connection.execute(SUMMARIES_WITHOUT, bounds))
    return found


def add(connection: Database, spans: Sequence[Span], model: VectorModel, rows: Iterable[Row]) -> None:
    """Write the vectors of what is there.

    A namespace has writers of several sessions. Here they come one after another, so that the numbers of
    their rows are in the order in which they can be read, as the matrices in memory need it.
    """
    connection.execute(LOCK_NAMESPACE, (spans[-1].branch,))
    for span in spans:
        connection.execute(LOCK, (span.branch,))
    connection.execute(ADD_MODEL, (escaped(model.name), model.dimension))
    key = model_key(connection, model)
    for row in rows:
        for span in spans:
            first, last = (span.first, span.last) if row.letter == "m" else (1, span.last_summary)
            if first <= row.number <= last:
                statement = ADD_TO_MESSAGE if row.letter == "m" else ADD_TO_SUMMARY
                connection.execute(statement, (key, row.scale, row.data, span.branch, row.number))
    for span in spans:
        connection.execute(REMOVE_OLDER, (span.branch, key))
