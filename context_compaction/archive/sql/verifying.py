"""Verifying an archive: every log, what hangs on it, and for a whole archive the database itself.

All of it in one read transaction, so that what others write meanwhile is neither seen nor kept waiting.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from context_compaction.archive.chain import Finding
from context_compaction.archive.records import Problem
from context_compaction.archive.sql.checking_index import check_index
from context_compaction.archive.sql.checking_log import check_log, readable
from context_compaction.archive.sql.checking_vectors import check_vectors
from context_compaction.archive.sql.checking_views import Damage, check_views
from context_compaction.archive.sql.database import Database
from context_compaction.archive.sql.names import escaped, unescaped
from context_compaction.archive.sql.spans import FOREVER, Span, spans_of
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
SELECT id, CAST(fork_at AS BIGINT), CAST(last_seq AS BIGINT), CAST(tip AS BLOB), CAST(version AS BIGINT)
FROM branches WHERE session = ? ORDER BY id
"""
Check = Callable[[Database], Iterator[Damage]]
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


def verify(
    connection: Database, session_id: str | None, namespace: str, checks: Sequence[Check] = ()
) -> list[Problem]:
    """What is wrong with one session, or with everything. Raises `UnknownSession`.

    ``checks`` are those of the database itself; they are part of everything.
    """
    if session_id is None:
        return list(_of_everything(connection, checks))
    row = connection.execute(FIND_SESSION, (escaped(namespace), escaped(session_id))).fetchone()
    if row is None:
        raise UnknownSession(session_id, namespace)
    return list(_whole_session(connection, _session(row), inherited=True))


def _of_everything(connection: Database, checks: Sequence[Check]) -> Iterator[Problem]:
    nowhere = "", ""
    for check in checks:
        for damage in _guarded(connection, partial(check, connection)):
            yield _problem(damage, nowhere, "")
    sessions: list[_Session] = []
    for found in _guarded(connection, lambda: map(_session, connection.execute(READ_SESSIONS).fetchall())):
        if isinstance(found, _Session):
            sessions.append(found)
        else:
            yield _problem(found, nowhere, "")
    for session in sessions:
        yield from _whole_session(connection, session, inherited=False)


def _whole_session(connection: Database, session: _Session, *, inherited: bool) -> Iterator[Problem]:
    """``inherited``: of what it shares with other sessions, too."""
    place = _name(session.namespace), _name(session.session_id)
    for found in _guarded(connection, partial(_of_session, connection, session, place, inherited=inherited)):
        yield found if isinstance(found, Problem) else _problem(found, place, "")


def _of_session(
    connection: Database, session: _Session, place: tuple[str, str], *, inherited: bool
) -> Iterator[Problem]:
    rows = connection.execute(READ_BRANCHES, (session.key,)).fetchall()
    branches = [_Branch(*row, spans=tuple(_spans(connection, row[0]))) for row in rows]
    own = {branch.key for branch in branches}
    if session.active not in own:
        yield Problem("damaged", *place, "", "the branch that it goes on with is none of its own")
    for spans in _inherited(branches, own) if inherited else ():
        for finding in _guarded(connection, partial(check_log, connection, spans, spans[-1].last, None)):
            yield _problem(finding, place, "")
    for branch in branches:
        where = f" (branch {branch.key})" if len(branches) > 1 else ""
        for finding in _of_branch(connection, branch):
            yield _problem(finding, place, where)


def _of_branch(connection: Database, branch: _Branch) -> Iterator[Finding | Damage]:
    spans = branch.spans
    own = spans[-1] if spans else None
    if own is None or (own.branch, own.first, own.last) != (branch.key, branch.fork_at + 1, FOREVER):
        yield "", "what it says of its ancestors does not fit together: its log cannot be read"
        return
    yield from _guarded(connection, partial(check_log, connection, spans, branch.last_seq, branch.tip))
    yield from _guarded(connection, partial(check_views, connection, spans, branch.version, branch.last_seq))
    yield from _guarded(connection, partial(check_index, connection, spans))
    yield from _guarded(connection, partial(check_vectors, connection, branch.key))


def _session(row: tuple[int, str, str, int | None]) -> _Session:
    return _Session(*row)


def _spans(connection: Database, branch: int) -> list[Span]:
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


def _guarded(connection: Database, check: Callable[[], Iterable[T]]) -> Iterator[T | Damage]:
    """What a check finds; where damage of the database's own ends it, that is what it found."""
    try:
        with connection.attempt():
            yield from check()
    except (connection.DatabaseError, UnicodeDecodeError) as error:
        if not connection.is_damage(error):
            raise
        yield "", f"the file is damaged here, and what is behind was not checked ({type(error).__name__})"


def _problem(found: Finding | Damage, place: tuple[str, str], where: str) -> Problem:
    if isinstance(found, Finding):
        return Problem(found.kind, *place, found.ref, found.detail + where)
    ref, detail = found
    return Problem("damaged", *place, ref, detail + where)


def _name(stored: str) -> str:
    """As the user gave it, or as it is stored if that is no escaped name."""
    return readable(lambda: unescaped(stored)) or stored
