"""Checking what only a file has: SQLite's own structures, references, and an index that finds every term."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from context_compaction.archive.sql.checking_log import readable
from context_compaction.archive.sql.checking_views import Damage
from context_compaction.archive.sql.database import Statements
from context_compaction.archive.sqlite.trailing import indexed_to

CHECK_FILE = "PRAGMA integrity_check"
CHECK_REFERENCES = """
SELECT "table", parent, count(*) FROM pragma_foreign_key_check GROUP BY "table", parent
"""
READ_DOCUMENTS = "SELECT id, terms FROM documents WHERE id <= ?"
# FTS5's own check compares the same, but counts as a write, and verify only reads.
OPEN_TERMS = "CREATE VIRTUAL TABLE temp.verified_terms USING fts5vocab('main', 'search_index', 'instance')"
READ_TERMS = "SELECT doc, term FROM temp.verified_terms"
CLOSE_TERMS = "DROP TABLE temp.verified_terms"
_PRIMARY = 0xFF


def check_file(connection: Statements) -> Iterator[Damage]:
    """SQLite's own integrity check."""
    for (found,) in connection.execute(CHECK_FILE):
        if found != "ok":
            yield "", f"SQLite finds the file damaged: {found}"


def check_references(connection: Statements) -> Iterator[Damage]:
    """Whether what rows point at is there."""
    for table, parent, count in connection.execute(CHECK_REFERENCES):
        yield "", f"{count} rows of {table} point at rows of {parent} that are not there"


def check_terms(connection: Statements) -> Iterator[Damage]:
    """Whether, for the whole file, the index finds each entry by each of its terms, and by no other.

    Those that it does not have yet are found by their terms themselves.
    Both sides are summed up, whatever their order, so that nothing has to be kept.
    """
    connection.execute(OPEN_TERMS)
    try:
        indexed = sum(map(hash, connection.execute(READ_TERMS)))
        written = readable(lambda: _written(connection))
    finally:
        connection.execute(CLOSE_TERMS)
    if indexed != written:
        yield "", "the search index and its entries do not agree: a search may miss some"


def is_damage(error: BaseException) -> bool:
    """Whether the file is at fault. A plain error is: our statements are right for a whole schema."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:  # text that is not UTF-8; a closed connection is no damage
        return not isinstance(error, sqlite3.ProgrammingError)
    return code & _PRIMARY in (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _written(connection: Statements) -> int:
    return sum(
        hash((key, term))
        for key, terms in connection.execute(READ_DOCUMENTS, (indexed_to(connection),))
        for term in set(terms.split())
    )
