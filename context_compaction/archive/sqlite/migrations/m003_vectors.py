"""Schema version 3: vectors of messages and summaries, for those who search by meaning too."""

from __future__ import annotations

import sqlite3

VECTOR_MODELS = """
CREATE TABLE vector_models (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    dimension INTEGER NOT NULL,
    UNIQUE (name, dimension)
)
"""
# A vector is data * scale, a signed byte a dimension, and of length 1; data NULL where there was nothing to
# embed. It goes with its document: whatever takes that out of the search takes it out of here. Its number is
# never used again, so that what a process has in memory can be told from what came later.
VECTORS = """
CREATE TABLE vectors (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    branch INTEGER NOT NULL REFERENCES branches(id) ON DELETE CASCADE,
    document INTEGER NOT NULL REFERENCES documents(id) ON DELETE CASCADE,
    model INTEGER NOT NULL REFERENCES vector_models(id),
    scale REAL NOT NULL,
    data BLOB,
    UNIQUE (document, model)
)
"""
VECTORS_BY_BRANCH = "CREATE INDEX vectors_by_branch ON vectors (branch, model)"


def upgrade(connection: sqlite3.Connection) -> None:
    """Two tables, empty: vectors are made when somebody opens a session with an embedder."""
    for statement in (VECTOR_MODELS, VECTORS, VECTORS_BY_BRANCH):
        connection.execute(statement)
