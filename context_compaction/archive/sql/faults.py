"""What every backend says alike of trouble: what is told as its own, and in which words."""

from __future__ import annotations

import json
from typing import TypeGuard

from context_compaction.errors import ArchiveTooNew, ArchiveUnavailable, CompactionError

BUSY_SECONDS = 5.0
"""How long a transaction waits for another one's lock, or for a connection."""
_DAMAGED = (json.JSONDecodeError, UnicodeDecodeError)
"""Raised over bytes that are not as they were written; a driver's words about a schema can be such, too."""
_NOT_UNDERSTOOD = (ValueError, KeyError, IndexError, TypeError)
"""Raised over rows that say what none does. Only in reading: else it may be about what was to be written."""


def is_trouble(
    error: BaseException | None, driver: type[Exception], *, reading: bool
) -> TypeGuard[Exception]:
    """Whether what a transaction's body raised is the archive's; else it is its own explanation."""
    if isinstance(error, CompactionError):
        return False
    return isinstance(error, (driver, *_DAMAGED)) or (reading and isinstance(error, _NOT_UNDERSTOOD))


def closed(place: str) -> ArchiveUnavailable:
    """The error for an archive that is used after `Archive.close`."""
    return ArchiveUnavailable(f"{place}: the archive was closed; open it again")


def too_new(place: str, version: int, known: int) -> ArchiveTooNew:
    """The error for a schema ``version`` of a later release."""
    return ArchiveTooNew(
        f"{place}: schema version {version}, but this release of context-compaction knows up to {known}; "
        "install a newer release"
    )
