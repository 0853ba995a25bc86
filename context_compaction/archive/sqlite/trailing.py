"""The search index trails the documents: it takes them many at a time.

FTS5 writes a segment for each transaction, and merges these: for one turn of a conversation a fifth of all
that storing it takes, for a batch hardly more. Documents that it does not have yet are found by a look at
their terms, so no search misses one, and none has to write.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from context_compaction.archive.sql.database import Statements, Values
from context_compaction.archive.sql.finding import Row, written

BATCH = 32
"""The index goes on to the last document each time that their number passes a multiple of this."""
LONG = 8192
"""Or that one has more characters of terms: a search would look through all of them, and to put it off
saves little.
"""
READ_INDEXED_TO = "SELECT indexed_to FROM search_state"
INDEX = """
INSERT INTO search_index (rowid, terms)
SELECT id, terms FROM documents WHERE id > ? AND id <= ?
"""
GO_ON = "UPDATE search_state SET indexed_to = ?"
# The index holds no text of its own: to take a row out it must be told the very terms that were put in.
UNINDEX = """
INSERT INTO search_index (search_index, rowid, terms)
SELECT 'delete', id, terms FROM documents WHERE id IN (SELECT value FROM json_each(?)) AND id <= ?
"""
# The numbers of documents that were the last are given again.
GO_BACK = """
UPDATE search_state SET indexed_to = min(indexed_to, (SELECT coalesce(max(id), 0) FROM documents))
"""
READ_TRAILING = """
SELECT id, seq, summary, role, sitting, at, length, terms FROM documents
WHERE id > (SELECT indexed_to FROM search_state) ORDER BY id DESC
"""


def take_up(connection: sqlite3.Connection, last: int, new: Sequence[Values]) -> None:
    """Index what trails, if that is enough. The ``new`` documents, up to ``last``, were just written."""
    if last % BATCH < len(new) or any(len(row[-1]) > LONG for row in new):
        connection.execute(INDEX, (indexed_to(connection), last))
        connection.execute(GO_ON, (last,))


def unindex(connection: sqlite3.Connection, named: str) -> None:
    """Take the documents with these numbers, JSON, out of the index, as far as it has them."""
    connection.execute(UNINDEX, (named, indexed_to(connection)))


def go_back(connection: sqlite3.Connection) -> None:
    """After documents were deleted: the index ends with the last there is, at most."""
    connection.execute(GO_BACK)


def indexed_to(connection: Statements) -> int:
    """The last document that the index has."""
    return connection.execute(READ_INDEXED_TO).fetchone()[0]


def trailing(connection: Statements) -> list[Row]:
    """The documents that the index does not have yet, newest first: fewer than `BATCH`."""
    return list(connection.execute(READ_TRAILING))


def holding(rows: Iterable[Row], *terms: str) -> list[Row]:
    """Those of the rows that hold all of the terms."""
    wanted = [written(term) for term in terms]
    return [row for row in rows if all(term in row[-1] for term in wanted)]
