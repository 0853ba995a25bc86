"""Schema version 4: the search index may trail the documents, and says how far it is."""

from __future__ import annotations

import sqlite3

SEARCH_STATE = "CREATE TABLE search_state (indexed_to INTEGER NOT NULL)"
# Until now whatever wrote a document indexed it.
SET_STATE = "INSERT INTO search_state (indexed_to) SELECT coalesce(max(id), 0) FROM documents"


def upgrade(connection: sqlite3.Connection) -> None:
    """One row: up to which document the index goes."""
    for statement in (SEARCH_STATE, SET_STATE):
        connection.execute(statement)
