"""SQLite's errors in this package's words: what went wrong, where, and what to do about it."""

from __future__ import annotations

import sqlite3

from context_compaction.archive.sql.faults import BUSY_SECONDS, is_trouble
from context_compaction.errors import ArchiveCorrupt, ArchiveError, ArchiveUnavailable

_PRIMARY = 0xFF
"""SQLite's extended codes carry the primary one in their low byte."""
_DAMAGE = "the file is damaged; restore a backup, or export what can still be read"
_NOT_TEXT = "Could not decode to UTF-8"
_NO_SUCH = "no such "
_CORRUPT = {
    sqlite3.SQLITE_CORRUPT: _DAMAGE,
    sqlite3.SQLITE_NOTADB: "the file is not an archive (not an SQLite database); name another file",
}
_UNAVAILABLE = {
    sqlite3.SQLITE_BUSY: f"another process held it for {BUSY_SECONDS:g} s; nothing was written, try again",
    sqlite3.SQLITE_LOCKED: "another connection holds a table; nothing was written, try again",
    sqlite3.SQLITE_READONLY: "the file or its folder is read-only; make both writable",
    sqlite3.SQLITE_PERM: "access is denied; check the permissions of the file and its folder",
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened; check that its folder exists and is writable",
    sqlite3.SQLITE_FULL: "the disk is full; nothing was written, make room and try again",
    sqlite3.SQLITE_IOERR: "reading or writing failed; check the disk, and that the file is still there",
    sqlite3.SQLITE_NOMEM: "out of memory; nothing was written",
    sqlite3.SQLITE_TOOBIG: "a value is over SQLite's limit of about 1 GB; nothing was written",
}

SQLiteTrouble = (sqlite3.Error, UnicodeDecodeError)
"""What a statement can raise."""


def typed(error: BaseException | None, place: str, *, reading: bool) -> ArchiveError | None:
    """The typed error for what a transaction's body raised; None for one that is its own explanation."""
    return translated(error, place) if is_trouble(error, sqlite3.Error, reading=reading) else None


def translated(error: Exception, place: str) -> ArchiveError:
    """The typed error to raise instead of ``error``; ``place`` is the archive's path or ``:memory:``."""
    if not isinstance(error, sqlite3.Error) or str(error).startswith(_NOT_TEXT):
        # Not quoted: it may hold what was said.
        return ArchiveCorrupt(f"{place}: {_DAMAGE} ({type(error).__name__})")
    code = getattr(error, "sqlite_errorcode", None)
    primary = code & _PRIMARY if isinstance(code, int) else None
    if "no such module: fts5" in str(error):
        return ArchiveUnavailable(without_search(place))
    if primary in _CORRUPT:
        return ArchiveCorrupt(f"{place}: {_CORRUPT[primary]} ({error})")
    if str(error).startswith(_NO_SUCH):  # a table or column that every archive has
        return ArchiveCorrupt(f"{place}: {_DAMAGE} ({error})")
    advice = _UNAVAILABLE.get(primary or 0, "the archive could not be used; nothing was written")
    return ArchiveUnavailable(f"{place}: {advice} ({error})")


def without_search(place: str) -> str:
    """What to say when Python's SQLite was built without FTS5."""
    return (
        f"{place}: this Python's SQLite {sqlite3.sqlite_version} was built without FTS5, which search needs; "
        "use a Python that bundles SQLite (python.org, conda, uv), or install pysqlite3 built with FTS5"
    )
