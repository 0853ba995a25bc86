"""Taking documents out of the search index, and counting anew what a branch finds there."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable

OF_MESSAGES = """
SELECT id FROM documents WHERE branch = ? AND summary = 0 AND seq IN (SELECT value FROM json_each(?))
"""
BEYOND = "SELECT id FROM documents WHERE branch = ? AND CASE summary WHEN 0 THEN seq > ? ELSE summary > ? END"
# The index holds no text of its own: to take a row out it must be told the very terms that were put in.
UNINDEX = """
INSERT INTO search_index (search_index, rowid, terms)
SELECT 'delete', id, terms FROM documents WHERE id IN (SELECT value FROM json_each(?))
"""
REMOVE = "DELETE FROM documents WHERE id IN (SELECT value FROM json_each(?))"
# Terms of removed rows stay in the index's older segments until these are merged.
OPTIMIZE = "INSERT INTO search_index (search_index) VALUES ('optimize')"
RECOUNT = """
UPDATE branches SET (documents, terms) = (
    SELECT count(*), coalesce(sum(documents.length), 0) FROM spans JOIN documents
    ON documents.branch = spans.ancestor AND documents.seq <= spans.last_seq
        AND documents.summary <= spans.last_summary
    WHERE spans.branch = branches.id
) WHERE id = ?
"""


def remove_messages(connection: sqlite3.Connection, branch: int, seqs: Iterable[int]) -> None:
    """Take messages of one log out of the index."""
    _remove(connection, connection.execute(OF_MESSAGES, (branch, json.dumps(list(seqs)))))


def remove_beyond(connection: sqlite3.Connection, branch: int, last_seq: int, last_summary: int) -> None:
    """Take one log's messages and summaries behind these numbers out of the index."""
    _remove(connection, connection.execute(BEYOND, (branch, last_seq, last_summary)))


def recount(connection: sqlite3.Connection, branch: int) -> None:
    """Set the totals of a branch to what it sees now."""
    connection.execute(RECOUNT, (branch,))


def optimize(connection: sqlite3.Connection) -> None:
    """Merge the index into one, so that nothing of removed rows is left in it."""
    connection.execute(OPTIMIZE)


def _remove(connection: sqlite3.Connection, found: Iterable[tuple[int]]) -> None:
    keys = json.dumps([key for (key,) in found])
    connection.execute(UNINDEX, (keys,))
    connection.execute(REMOVE, (keys,))
