"""Verifying an archive: every log, what hangs on it, and for a whole archive the file itself.

All of it in one read transaction, so that what others write meanwhile is neither seen nor kept waiting.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from context_compaction.archive.chain import Finding
from context_compaction.archive.records import Problem
from context_compaction.archive.sqlite.checking_index import check_index, check_terms
from context_compaction.archive.sqlite.checking_log import check_log, readable
from context_compaction.archive.sqlite.checking_vectors import check_vectors
from context_compaction.archive.sqlite.checking_views import Damage, check_views
from context_compaction.archive.sqlite.names import escaped, unescaped
from context_compaction.archive.sqlite.spans import FOREVER, Span, spans_of
from context_compaction.errors import StaleView, UnknownSession

READ_SESSIONS = """
SELECT sessions.id, namespaces.name, sessions.session_id, sessions.active
FROM sessions JOIN namespaces ON namespaces.id = sessions.namespace ORDER BY sessions.id
"""
FIND_SESSION = """
SELECT sessions.id, namespaces.name, sessions.session_id, sessions.active
FROM sessions JOIN namespaces ON namespaces.id = sessions.namespace
WHERE namespaces.name = ? AND sessions.session_id = ?
"""
READ_BRANCHES = """
SELECT id, CAST(fork_at AS INTEGER), CAST(last_seq AS INTEGER), CAST(tip AS BLOB), CAST(version AS INTEGER)
FROM branches WHERE session = ? ORDER BY id
"""
CHECK_FILE = "PRAGMA integrity_check"
CHECK_REFERENCES = """
SELECT "table", parent, count(*) FROM pragma_foreign_key_check GROUP BY "table", parent
"""
_PRIMARY = 0xFF
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Session:
    """One row of sessions."""

    key: int
    namespace: str
    session_id: str
    active: int | None


@dataclass(frozen=True, slots=True)
class _Branch:
    """One row of branches, with what it sees."""

    key: int
    fork_at: int
    last_seq: int
    tip: bytes
    version: int
    spans: tuple[Span, ...]


def verify(connection: sqlite3.Connection, session_id: str | None, namespace: str) -> list[Problem]:
    """What is wrong with one session, or with everything. Raises `UnknownSession`."""
    if session_id is None:
        return list(_of_everything(connection))
    row = connection.execute(FIND_SESSION, (escaped(namespace), escaped(session_id))).fetchone()
    if row is None:
        raise UnknownSession(session_id, namespace)
    return list(_whole_session(connection, _session(row), inherited=True))


def _of_everything(connection: sqlite3.Connection) -> Iterator[Problem]:
    nowhere = "", ""
    for check in (_file, _references, check_terms):
        for damage in _guarded(partial(check, connection)):
            yield _problem(damage, nowhere, "")
    sessions: list[_Session] = []
    for found in _guarded(lambda: map(_session, connection.execute(READ_SESSIONS).fetchall())):
        if isinstance(found, _Session):
            sessions.append(found)
        else:
            yield _problem(found, nowhere, "")
    for session in sessions:
        yield from _whole_session(connection, session, inherited=False)


def _file(connection: sqlite3.Connection) -> Iterator[Damage]:
    for (found,) in connection.execute(CHECK_FILE):
        if found != "ok":
            yield "", f"SQLite finds the file damaged: {found}"


def _references(connection: sqlite3.Connection) -> Iterator[Damage]:
    for table, parent, count in connection.execute(CHECK_REFERENCES):
        yield "", f"{count} rows of {table} point at rows of {parent} that are not there"


def _whole_session(
    connection: sqlite3.Connection, session: _Session, *, inherited: bool
) -> Iterator[Problem]:
    """``inherited``: of what it shares with other sessions, too."""
    place = _name(session.namespace), _name(session.session_id)
    for found in _guarded(partial(_of_session, connection, session, place, inherited=inherited)):
        yield found if isinstance(found, Problem) else _problem(found, place, "")


def _of_session(
    connection: sqlite3.Connection, session: _Session, place: tuple[str, str], *, inherited: bool
) -> Iterator[Problem]:
    rows = connection.execute(READ_BRANCHES, (session.key,)).fetchall()
    branches = [_Branch(*row, spans=tuple(_spans(connection, row[0]))) for row in rows]
    own = {branch.key for branch in branches}
    if session.active not in own:
        yield Problem("damaged", *place, "", "the branch that it goes on with is none of its own")
    for spans in _inherited(branches, own) if inherited else ():
        for finding in _guarded(partial(check_log, connection, spans, spans[-1].last, None)):
            yield _problem(finding, place, "")
    for branch in branches:
        where = f" (branch {branch.key})" if len(branches) > 1 else ""
        for finding in _of_branch(connection, branch):
            yield _problem(finding, place, where)


def _of_branch(connection: sqlite3.Connection, branch: _Branch) -> Iterator[Finding | Damage]:
    spans = branch.spans
    own = spans[-1] if spans else None
    if own is None or (own.branch, own.first, own.last) != (branch.key, branch.fork_at + 1, FOREVER):
        yield "", "what it says of its ancestors does not fit together: its log cannot be read"
        return
    yield from _guarded(partial(check_log, connection, spans, branch.last_seq, branch.tip))
    yield from _guarded(partial(check_views, connection, spans, branch.version, branch.last_seq))
    yield from _guarded(partial(check_index, connection, spans))
    yield from _guarded(partial(check_vectors, connection, branch.key))


def _session(row: tuple[int, str, str, int | None]) -> _Session:
    return _Session(*row)


def _spans(connection: sqlite3.Connection, branch: int) -> list[Span]:
    try:
        return spans_of(connection, branch)
    except StaleView:
        return []


def _inherited(branches: list[_Branch], own: set[int]) -> Iterator[tuple[Span, ...]]:
    """Each log of another session that these branches begin with, as far as any of them sees it."""
    most: dict[int, tuple[Span, ...]] = {}
    for branch in branches:
        for number, span in enumerate(branch.spans, 1):
            seen = most.get(span.branch)
            if span.branch not in own and (seen is None or seen[-1].last < span.last):
                most[span.branch] = branch.spans[:number]
    yield from most.values()


def _guarded(check: Callable[[], Iterable[T]]) -> Iterator[T | Damage]:
    """What a check finds; where the file's own damage ends it, that is what it found."""
    try:
        yield from check()
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        if not _is_damage(error):
            raise
        yield "", f"the file is damaged here, and what is behind was not checked ({type(error).__name__})"


def _is_damage(error: sqlite3.DatabaseError | UnicodeDecodeError) -> bool:
    """Whether the file is at fault. A plain error is: our statements are right for a whole schema."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:  # text that is not UTF-8; a closed connection is no damage
        return not isinstance(error, sqlite3.ProgrammingError)
    return code & _PRIMARY in (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _problem(found: Finding | Damage, place: tuple[str, str], where: str) -> Problem:
    if isinstance(found, Finding):
        return Problem(found.kind, *place, found.ref, found.detail + where)
    ref, detail = found
    return Problem("damaged", *place, ref, detail + where)


def _name(stored: str) -> str:
    """As the user gave it, or as it is stored if that is no escaped name."""
    return readable(lambda: unescaped(stored)) or stored
