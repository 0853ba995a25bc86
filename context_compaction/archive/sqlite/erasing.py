"""Erasing."""

from __future__ import annotations

from context_compaction.archive.sqlite.connection import Connections


def erase(connections: Connections) -> None:
    """To be built."""
    raise NotImplementedError


def shrink(connections: Connections) -> None:
    """To be built."""
    raise NotImplementedError
