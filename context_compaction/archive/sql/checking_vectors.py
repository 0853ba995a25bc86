"""Checking vectors: each of the length of its model, and of a message or summary of its own log."""

from __future__ import annotations

from collections.abc import Iterator

from context_compaction.archive.sql.checking_views import Damage
from context_compaction.archive.sql.database import Database

DAMAGED = """
SELECT CASE WHEN documents.summary > 0 THEN 's:' || documents.summary ELSE 'm:' || documents.seq END
FROM vectors JOIN documents ON documents.id = vectors.document
    LEFT JOIN vector_models ON vector_models.id = vectors.model
WHERE vectors.branch = ? AND data IS NOT NULL AND (
    vector_models.id IS NULL OR length(data) <> dimension OR NOT scale BETWEEN 0 AND 1
)
ORDER BY vectors.id
"""
OF_NOTHING = """
SELECT count(*) FROM vectors LEFT JOIN documents ON documents.id = vectors.document
WHERE vectors.branch = ? AND (documents.id IS NULL OR documents.branch <> vectors.branch)
"""


def check_vectors(connection: Database, branch: int) -> Iterator[Damage]:
    """What is wrong with the vectors of a log. That one is missing is no damage: it is still to be made."""
    for (ref,) in connection.execute(DAMAGED, (branch,)):
        yield ref, "its vector is damaged"
    (count,) = connection.execute(OF_NOTHING, (branch,)).fetchone()
    if count:
        yield "", f"{count} of its vectors are of no message or summary of its log"
