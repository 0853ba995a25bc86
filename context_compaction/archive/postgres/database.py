"""PostgreSQL's connection with what it does in ways of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from itertools import count
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.adapt import Loader
from psycopg.types.numeric import Int8Dumper

from context_compaction.archive.postgres.dialect import translated
from context_compaction.archive.postgres.faults import is_damage
from context_compaction.archive.sql.database import IdTaken, Values
from context_compaction.archive.sql.log import ADD_MESSAGE
from context_compaction.archive.sql.search import DOCUMENT_COLUMNS

if TYPE_CHECKING:
    from psycopg.abc import Buffer

TAKEN = "SELECT message_id FROM messages WHERE branch = %s AND message_id = ANY (%s)"
ADD_DOCUMENT = f"INSERT INTO documents ({DOCUMENT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - columns
REMOVE_DOCUMENTS = "DELETE FROM documents WHERE id = ANY (%s)"
DEFER_REFERENCES = "SET CONSTRAINTS ALL DEFERRED"
STREAMED_ROWS = 200
"""How many rows of a long result are in memory at a time."""
_BRANCH, _MESSAGE_ID = 0, 2
"""Places in a row of `ADD_MESSAGE`."""


class PostgresDatabase:
    """See `context_compaction.archive.sql.database.Database`."""

    IntegrityError = psycopg.IntegrityError
    DataError = psycopg.DataError
    DatabaseError = psycopg.DatabaseError

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection = connection
        self._cursors = count()

    def execute(self, sql: str, parameters: Values = (), /) -> KeyedCursor:
        """One round trip."""
        statement, named = translated(sql)
        cursor = KeyedCursor(self.connection)
        cursor.execute(statement, _named(parameters) if named else parameters)
        return cursor

    def executemany(self, sql: str, parameters: Iterable[Values], /) -> KeyedCursor:
        """All rows on their way before the first answer is waited for."""
        statement, named = translated(sql)
        cursor = KeyedCursor(self.connection)
        cursor.executemany(statement, [_named(row) if named else row for row in parameters])
        return cursor

    def stream(self, sql: str, parameters: Values = ()) -> Iterable[Any]:
        """By a cursor of the server's."""
        statement, named = translated(sql)
        with self.connection.cursor(f"streamed_{next(self._cursors)}") as cursor:
            cursor.itersize = STREAMED_ROWS
            yield from cursor.execute(statement, _named(parameters) if named else parameters)

    def add_messages(self, rows: Sequence[Values]) -> None:
        """Ids are looked up first: an error would end the transaction. The session's lock is held."""
        ids = [row[_MESSAGE_ID] for row in rows]
        named = [name for name in ids if name is not None]
        if named:
            found = self.connection.execute(TAKEN, (rows[0][_BRANCH], named))
            taken = Counter(name for (name,) in found)
            for index, name in enumerate(ids):
                if name is not None and taken[name]:
                    raise IdTaken(index)
                taken[name] += 1
        self.executemany(ADD_MESSAGE, rows)

    def add_documents(self, rows: Sequence[Values]) -> None:
        """The index is on the rows themselves."""
        self.executemany(ADD_DOCUMENT, rows)

    def remove_documents(self, keys: Sequence[int]) -> None:
        """The index follows."""
        self.connection.execute(REMOVE_DOCUMENTS, (list(keys),))

    def defer_references(self) -> None:
        """Until the end of the transaction."""
        self.connection.execute(DEFER_REFERENCES)

    def attempt(self) -> AbstractContextManager[object]:
        """A savepoint."""
        return self.connection.transaction()

    def is_damage(self, error: BaseException) -> bool:
        """By PostgreSQL's error code."""
        return is_damage(error)


class KeyedCursor(psycopg.Cursor[Any]):
    """A cursor that knows the key of the row that it inserted."""

    @property
    def lastrowid(self) -> int | None:
        """None when there was none, or it was not inserted."""
        if self._keys is None:
            self._keys = self.fetchall() if self.description else []
        return self._keys[-1][0] if self._keys else None

    _keys: list[Any] | None = None


class WholeLoader(Loader):
    """Sums of whole numbers are numeric, and whole."""

    def load(self, data: Buffer) -> int:
        """The number."""
        return int(bytes(data))


def adapt(connection: psycopg.Connection) -> None:
    """Numbers as the tables have them."""
    connection.adapters.register_dumper(int, Int8Dumper)  # one type, so that one prepared statement fits all
    connection.adapters.register_loader("numeric", WholeLoader)


def _named(parameters: Values) -> dict[str, Any]:
    return {f"p{place}": value for place, value in enumerate(parameters, 1)}
