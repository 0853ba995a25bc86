"""Forgetting in a file: what is deleted has to leave its index and its free space, too."""

from __future__ import annotations

from context_compaction.archive.base import Forks
from context_compaction.archive.records import Forgotten
from context_compaction.archive.sql import forgetting
from context_compaction.archive.sqlite.database import SQLiteDatabase
from context_compaction.archive.sqlite.erasing import begin


def forget(connection: SQLiteDatabase, session_id: str, namespace: str, forks: Forks) -> Forgotten:
    """Delete a session's rows, and note that their bytes are to be erased."""
    forgotten = forgetting.forget(connection, session_id, namespace, forks)
    if forgotten.sessions:
        connection.optimize()
        begin(connection)
    return forgotten
