"""Taking documents out of the search index, and counting anew what a branch finds there."""

from __future__ import annotations

import json
from collections.abc import Iterable

from context_compaction.archive.sql.database import Database

OF_MESSAGES = """
SELECT id FROM documents WHERE branch = ? AND summary = 0 AND seq IN (SELECT value FROM json_each(?))
"""
BEYOND = "SELECT id FROM documents WHERE branch = ? AND CASE summary WHEN 0 THEN seq > ? ELSE summary > ? END"
RECOUNT = """
UPDATE branches SET (documents, terms) = (
    SELECT count(*), coalesce(sum(documents.length), 0) FROM spans JOIN documents
    ON documents.branch = spans.ancestor AND documents.seq <= spans.last_seq
        AND documents.summary <= spans.last_summary
    WHERE spans.branch = branches.id
) WHERE id = ?
"""


def remove_messages(connection: Database, branch: int, seqs: Iterable[int]) -> None:
    """Take messages of one log out of the index."""
    _remove(connection, connection.execute(OF_MESSAGES, (branch, json.dumps(list(seqs)))))


def remove_beyond(connection: Database, branch: int, last_seq: int, last_summary: int) -> None:
    """Take one log's messages and summaries behind these numbers out of the index."""
    _remove(connection, connection.execute(BEYOND, (branch, last_seq, last_summary)))


def recount(connection: Database, branch: int) -> None:
    """Set the totals of a branch to what it sees now."""
    connection.execute(RECOUNT, (branch,))


def _remove(connection: Database, found: Iterable[tuple[int]]) -> None:
    connection.remove_documents([key for (key,) in found])
