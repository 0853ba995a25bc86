"""PostgreSQL's errors in this package's words: what went wrong, where, and what to do about it."""

from __future__ import annotations

import psycopg
from psycopg_pool import PoolClosed, PoolTimeout

from context_compaction.archive.sql.faults import BUSY_SECONDS, closed, is_trouble
from context_compaction.errors import ArchiveCorrupt, ArchiveError, ArchiveUnavailable

_DAMAGE = "what is stored is damaged; restore a backup, or export what can still be read"
_CHANGED = "the archive's tables are not as they were made; restore a backup, or name another schema"
_CORRUPT = {"XX001": _DAMAGE, "XX002": _DAMAGE, "42P01": _CHANGED, "42703": _CHANGED, "3F000": _CHANGED}
_UNAVAILABLE = {
    "55P03": f"another transaction held it for {BUSY_SECONDS:g} s; nothing was written, try again",
    "57014": "the server cancelled the statement; nothing was written, try again",
    "40P01": "two transactions waited for each other; nothing was written, try again",
    "40001": "another transaction was first; nothing was written, try again",
    "25P03": "the transaction stood still for too long, and the server ended it; nothing was written",
    "25P04": "the transaction took too long, and the server ended it; nothing was written",
    "25006": "the server is read-only: name the primary",
    "42501": "access is denied; the archive's schema has to belong to this user",
    "53100": "the server's disk is full; nothing was written, make room and try again",
    "53300": "the server has no connection left; lower pool_size, or raise its max_connections",
    "3D000": "there is no such database; create it first",
}
_BY_CLASS = {
    "08": "the connection was lost",
    "22": "a value that PostgreSQL cannot hold; nothing was written",
    "28": "the server does not let this user in; check name and password",
    "54": "longer than PostgreSQL has room for; nothing was written",
    "53": "the server has run out of a resource; nothing was written, try again later",
    "57": "the server is shutting down or starting; try again",
}


def typed(error: BaseException | None, place: str, *, reading: bool) -> ArchiveError | None:
    """The typed error for what a transaction's body raised; None for one that is its own explanation."""
    return translated(error, place) if is_trouble(error, psycopg.Error, reading=reading) else None


def translated(error: Exception, place: str) -> ArchiveError:
    """The typed error to raise instead of ``error``; ``place`` is the archive's address, without password."""
    if isinstance(error, PoolClosed):
        return closed(place)
    if isinstance(error, PoolTimeout):
        return ArchiveUnavailable(
            f"{place}: no connection within {BUSY_SECONDS:g} s: all are in use; raise pool_size, or have "
            "fewer threads use the archive at a time"
        )
    if not isinstance(error, psycopg.Error):
        # Not quoted: it may hold what was said.
        return ArchiveCorrupt(f"{place}: {_DAMAGE} ({type(error).__name__})")
    code = error.sqlstate or ""
    if code in _CORRUPT:
        return ArchiveCorrupt(f"{place}: {_CORRUPT[code]} ({_words(error)})")
    advice = _UNAVAILABLE.get(code) or _BY_CLASS.get(code[:2]) or _otherwise(error)
    return ArchiveUnavailable(f"{place}: {advice} ({_words(error)})")


def is_damage(error: BaseException) -> bool:
    """Whether what is stored is at fault."""
    code = getattr(error, "sqlstate", None)
    return isinstance(error, UnicodeDecodeError) or code in _CORRUPT


def _otherwise(error: psycopg.Error) -> str:
    if isinstance(error, psycopg.OperationalError) and error.sqlstate is None:
        return "the server cannot be reached, or the connection was lost; check that it runs, and try again"
    if isinstance(error, psycopg.DataError):
        return _BY_CLASS["22"]
    return "the archive could not be used; nothing was written"


def _words(error: psycopg.Error) -> str:
    """What the server says, without the detail: that may hold what was said."""
    words = error.diag.message_primary or str(error)
    return " ".join(words.split())
