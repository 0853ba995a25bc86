"""Verifying."""

from __future__ import annotations

import sqlite3

from context_compaction.archive.records import Problem


def verify(connection: sqlite3.Connection, session_id: str | None, namespace: str) -> list[Problem]:
    """To be built."""
    raise NotImplementedError
