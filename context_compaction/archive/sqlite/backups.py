"""Backups."""

from __future__ import annotations

import os

from context_compaction.archive.sqlite.connection import Connections


def backup(connections: Connections, path: str | os.PathLike[str]) -> None:
    """To be built."""
    raise NotImplementedError
