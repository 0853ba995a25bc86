"""The records of an export on their way into an archive: added, or compared with what is there.

A session that is there already is compared, record by record, with what an export would say of it now.
Sessions and branches get new keys; what names them by their place in the file is translated.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from context_compaction.archive.jsonl import Lines, Record
from context_compaction.archive.sql import unindexing
from context_compaction.archive.sql.adding import NewBranch
from context_compaction.archive.sql.branches import ADD_NAMESPACE, ADD_SESSION, SET_ACTIVE
from context_compaction.archive.sql.database import Database
from context_compaction.archive.sql.exported import branch_records
from context_compaction.archive.sql.log import ADD_BLOB
from context_compaction.archive.sql.names import unescaped
from context_compaction.archive.sql.payloads import Blob
from context_compaction.archive.transfer_records import flaw
from context_compaction.errors import ArchiveCorrupt, SessionExists
from context_compaction.progress import with_progress

FIND_SESSION = """
SELECT sessions.id, sessions.created_at, sessions.active
FROM sessions JOIN namespaces ON namespaces.id = sessions.namespace
WHERE namespaces.name = ? AND sessions.session_id = ?
"""
FIND_BRANCHES = "SELECT id FROM branches WHERE session = ? ORDER BY id"
TOMBSTONES = "SELECT seq FROM messages WHERE branch = ? AND pruned_at IS NOT NULL"
_UNFIT = (ArchiveCorrupt, LookupError, TypeError, ValueError, AttributeError, RecursionError)
"""What is raised, beside the database's own errors, over records that say what no archive would."""
Item = TypeVar("Item")


class Loader:
    """Takes the records of a file one by one. Whoever opened the transaction rolls back what is refused."""

    def __init__(self, connection: Database, lines: Lines) -> None:
        self._connection = connection
        self._lines = lines
        self._sessions: list[_Session] = []
        self._keys: list[int] = []
        """Of branches, by their place in the file."""
        self._owners: list[_Session] = []
        """The sessions of these branches."""
        self._numbers: dict[int, int] = {}
        """Places in the file by key."""
        self._under_way: NewBranch | _KnownBranch | None = None

    @property
    def added(self) -> int:
        """How many sessions were not there before."""
        return sum(session.known is None for session in self._sessions)

    def load(self) -> None:
        """Take all records. Raises `ArchiveCorrupt`, naming the line, or `SessionExists`."""
        for record in with_progress(self._lines, "importing", unit="record"):
            if wrong := flaw(record):
                raise self._lines.corrupt(wrong)
            self._refusing(self._take, record)
        self._refusing(self._end_branch)
        for session in self._sessions:
            self._refusing(self._end_session, session)
        self._finish_index()

    def _refusing(self, step: Callable[..., None], *arguments: object) -> None:
        database = self._connection
        try:
            step(*arguments)
        except (*_UNFIT, database.IntegrityError, database.DataError) as error:
            raise self._lines.corrupt(error) from error

    def _take(self, record: Record) -> None:
        match record["type"]:
            case "session":
                self._sessions.append(self._session(record))
            case "branch":
                self._end_branch()
                self._begin_branch(record)
            case "blob":
                self._add_blob(record)
            case kind if self._under_way is None:
                raise ArchiveCorrupt(f"a {kind} before any branch")
            case _:
                self._under_way.add(record)

    def _session(self, record: Record) -> _Session:
        if record["number"] != len(self._sessions) + 1:
            raise ArchiveCorrupt(f"session {record['number']} is not the next one")
        place = record["namespace"], record["session_id"]
        self._connection.execute(ADD_NAMESPACE, place[:1])
        added = self._connection.execute(ADD_SESSION, (place[1], record["created_at"], place[0]))
        if added.rowcount:
            return _Session(record, added.lastrowid or 0)
        key, created_at, active = self._connection.execute(FIND_SESSION, place).fetchone()
        known = [branch for (branch,) in self._connection.execute(FIND_BRANCHES, (key,))]
        session = _Session(record, key, known, active)
        session.agree(created_at == record["created_at"])
        return session

    def _begin_branch(self, record: Record) -> None:
        if record["number"] != len(self._keys) + 1:
            raise ArchiveCorrupt(f"branch {record['number']} is not the next one")
        session = _at(self._sessions, record["session"], "session")
        if session.known is None:
            branch = NewBranch(self._connection, record, session.key, self._keys)
            key = branch.key
        else:
            session.agree(session.met < len(session.known))
            key = session.known[session.met]
            said = branch_records(self._connection, key, record["session"], self._numbers)
            branch = _KnownBranch(session, said)
        session.met += 1
        self._keys.append(key)
        self._owners.append(session)
        self._numbers[key] = record["number"]
        if isinstance(branch, _KnownBranch):
            branch.add(record)
        self._under_way = branch

    def _end_branch(self) -> None:
        if self._under_way is not None:
            self._under_way.end()

    def _end_session(self, session: _Session) -> None:
        if _at(self._owners, session.record["active"], "branch") is not session:
            raise ArchiveCorrupt("a session goes on with a branch of another one")
        active = _at(self._keys, session.record["active"], "branch")
        if session.known is None:
            self._connection.execute(SET_ACTIVE, (active, session.key))
        else:
            session.agree(active == session.active and session.met == len(session.known))

    def _add_blob(self, record: Record) -> None:
        blob = Blob(record["hash"], record["encoding"], base64.b64decode(record["data"]))
        if hashlib.sha256(blob.text.encode("ascii")).hexdigest() != blob.hash:
            raise ArchiveCorrupt("the media are not what their hash says")
        self._connection.execute(ADD_BLOB, (blob.hash, blob.encoding, blob.data))

    def _finish_index(self) -> None:
        """Take tombstones out of it, and count what each branch finds there, what it shares included."""
        added = [key for key, owner in zip(self._keys, self._owners, strict=True) if owner.known is None]
        for key in added:
            gone = [seq for (seq,) in self._connection.execute(TOMBSTONES, (key,))]
            unindexing.remove_messages(self._connection, key, gone)
        for key in added:
            unindexing.recount(self._connection, key)


@dataclass(slots=True)
class _Session:
    """A session of the file, and what this archive has of it."""

    record: Record
    key: int
    known: list[int] | None = None
    """Its branches, if it is there already."""
    active: int = 0
    met: int = 0
    """How many of its branches the file had so far."""

    def agree(self, equal: bool) -> None:  # noqa: FBT001 - reads as an assertion
        """Raise `SessionExists` unless what is there is equal so far."""
        if not equal:
            namespace, name = unescaped(self.record["namespace"]), unescaped(self.record["session_id"])
            raise SessionExists(
                f"session {name!r} of namespace {namespace!r} is there already and differs; nothing was "
                "imported. Forget it first, or import into another archive"
            )


class _KnownBranch:
    """A branch that is there already: each record must be what an export would say now."""

    def __init__(self, session: _Session, said: Iterator[Record]) -> None:
        self._session = session
        self._said = said

    def add(self, record: Record | None) -> None:
        """Compare the next record."""
        try:
            equal = next(self._said, None) == record
        except ValueError:  # a row that is damaged; `verify` says which
            equal = False
        self._session.agree(equal)

    def end(self) -> None:
        """After the last one."""
        self.add(None)


def _at(items: Sequence[Item], number: int, kind: str) -> Item:
    if not 1 <= number <= len(items):
        raise ArchiveCorrupt(f"there is no {kind} {number} before this line")
    return items[number - 1]
