"""Forgetting."""

from __future__ import annotations

import sqlite3

from context_compaction.archive.base import Forks
from context_compaction.archive.records import Forgotten


def forget(connection: sqlite3.Connection, session_id: str, namespace: str, forks: Forks) -> Forgotten:
    """To be built."""
    raise NotImplementedError
