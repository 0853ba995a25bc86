"""Transfer."""

from __future__ import annotations

import os
import sqlite3


def export(connection: sqlite3.Connection, path: str | os.PathLike[str]) -> int:
    """To be built."""
    raise NotImplementedError


def import_(connection: sqlite3.Connection, path: str | os.PathLike[str]) -> int:
    """To be built."""
    raise NotImplementedError
