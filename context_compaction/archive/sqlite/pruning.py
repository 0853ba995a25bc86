"""Pruning."""

from __future__ import annotations

import sqlite3
from datetime import timedelta

from context_compaction.archive.records import Pruned


def prune(
    connection: sqlite3.Connection,
    max_age: timedelta | float | None,
    max_bytes: int | None,
    *,
    uncovered: bool,
) -> Pruned:
    """To be built."""
    raise NotImplementedError
