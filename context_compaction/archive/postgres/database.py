"""PostgreSQL's connection with what it does in ways of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from itertools import count
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.adapt import Loader
from psycopg.types.numeric import Int8Dumper

from context_compaction.archive.postgres.dialect import copied, translated
from context_compaction.archive.postgres.faults import is_damage
from context_compaction.archive.sql.database import IdTaken, Rows, Values
from context_compaction.archive.sql.log import ADD_MESSAGE
from context_compaction.archive.sql.search import DOCUMENT_COLUMNS

if TYPE_CHECKING:
    from psycopg.abc import Buffer

TAKEN = "SELECT message_id FROM messages WHERE branch = %s AND message_id = ANY (%s)"
REMOVE_DOCUMENTS = "DELETE FROM documents WHERE id = ANY (%s)"
DEFER_REFERENCES = "SET CONSTRAINTS ALL DEFERRED"
ADD_DOCUMENT = f"INSERT INTO documents ({DOCUMENT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - columns
STREAMED_ROWS = 200
"""How many rows of a long result are in memory at a time."""
COPIED_ROWS = 32
"""From so many rows on a COPY is faster than statements one behind the other."""
NOT_ASKED: tuple[None, tuple[()]] = None, ()
_BRANCH, _MESSAGE_ID = 0, 2
"""Places in a row of `ADD_MESSAGE`."""


class PostgresDatabase:
    """See `context_compaction.archive.sql.database.Database`.

    Statements are kept until an answer is wanted, and then sent together: between calls the server owes no
    answer, and its clock for transactions that stand still runs. ``waiting``: each is sent by itself.
    ``ahead`` holds values and rows of those that were sent along with the BEGIN. In a ``changing``
    transaction each is answered with once: none may be among them whose answer it changes before it asks.
    """

    IntegrityError = psycopg.IntegrityError
    DataError = psycopg.DataError
    DatabaseError = psycopg.DatabaseError

    def __init__(
        self,
        connection: psycopg.Connection,
        ahead: Mapping[str, tuple[Values, Sequence[Any]]] = MappingProxyType({}),
        *,
        waiting: bool = False,
        changing: bool = True,
    ) -> None:
        self.connection = connection
        self._ahead = dict(ahead)
        self._waiting = waiting
        self._changing = changing
        self._kept: list[Callable[[], object]] = []
        self._cursors = count()

    def execute(self, sql: str, parameters: Values = (), /) -> Rows:
        """Kept, until somebody wants the rows of this or a later one."""
        values, rows = self._ahead.get(sql, NOT_ASKED)
        if values == tuple(parameters):
            if self._changing:
                del self._ahead[sql]
            return Known(rows)
        statement, named = translated(sql)
        cursor = psycopg.Cursor[Any](self.connection)
        self._keep(partial(cursor.execute, statement, _named(parameters) if named else parameters))
        return Answer(self, cursor)

    def executemany(self, sql: str, parameters: Iterable[Values], /) -> Rows:
        """Kept as one; many rows of a plain INSERT are copied."""
        statement, named = translated(sql)
        cursor = psycopg.Cursor[Any](self.connection)
        rows = [_named(row) if named else row for row in parameters]
        if len(rows) >= COPIED_ROWS and (copying := copied(sql)):
            self._copy(copying, rows)
            return Known(())
        self._keep(partial(cursor.executemany, statement, rows))
        return Answer(self, cursor)

    def commit(self) -> None:
        """Behind all that was kept, in the same round trip."""
        self._kept.append(partial(self.connection.execute, "COMMIT"))
        self.catch_up()

    def catch_up(self) -> None:
        """Send what was kept, and wait for it. Raises what the first one raised that failed."""
        kept, self._kept = self._kept, []
        with self.connection.pipeline() if len(kept) > 1 else nullcontext():
            for send in kept:
                send()

    def _copy(self, statement: bytes, rows: Iterable[Any]) -> None:
        self.catch_up()
        with self.connection.cursor().copy(statement) as copy:
            for row in rows:
                copy.write_row(row)

    def _keep(self, send: Callable[[], object]) -> None:
        self._kept.append(send)
        if self._waiting:
            self.catch_up()

    def stream(self, sql: str, parameters: Values = ()) -> Iterable[Any]:
        """By a cursor of the server's."""
        self.catch_up()
        statement, named = translated(sql)
        with self.connection.cursor(f"streamed_{next(self._cursors)}") as cursor:
            cursor.itersize = STREAMED_ROWS
            yield from cursor.execute(statement, _named(parameters) if named else parameters)

    def add_messages(self, rows: Sequence[Values]) -> None:
        """Ids are looked up first: an error would end the transaction. The session's lock is held."""
        ids = [row[_MESSAGE_ID] for row in rows]
        named = [name for name in ids if name is not None]
        if named:
            self.catch_up()
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
        self.catch_up()
        self.connection.execute(REMOVE_DOCUMENTS, (list(keys),))

    def defer_references(self) -> None:
        """Until the end of the transaction."""
        self.catch_up()
        self.connection.execute(DEFER_REFERENCES)

    def attempt(self) -> AbstractContextManager[object]:
        """A savepoint."""
        self.catch_up()
        return self.connection.transaction()

    def is_damage(self, error: BaseException) -> bool:
        """By PostgreSQL's error code."""
        return is_damage(error)


class Answer:
    """What a statement gives, once somebody wants it."""

    def __init__(self, database: PostgresDatabase, cursor: psycopg.Cursor[Any]) -> None:
        self._database = database
        self._cursor = cursor
        self._keys: list[Any] | None = None

    @property
    def rowcount(self) -> int:
        """How many rows it changed."""
        return self._given().rowcount

    @property
    def lastrowid(self) -> int | None:
        """The key of the row that it inserted; None when there was none, or it was not inserted."""
        if self._keys is None:
            self._keys = self.fetchall() if self._given().description else []
        return self._keys[-1][0] if self._keys else None

    def fetchone(self) -> Any:
        """The next row; None behind the last."""
        return self._given().fetchone()

    def fetchall(self) -> list[Any]:
        """The rows that are left."""
        return self._given().fetchall()

    def __iter__(self) -> Iterator[Any]:
        return iter(self._given())

    def _given(self) -> psycopg.Cursor[Any]:
        if self._cursor.pgresult is None:
            self._database.catch_up()
        return self._cursor


class Known:
    """The rows of a statement that has been answered."""

    lastrowid = None

    def __init__(self, rows: Sequence[Any]) -> None:
        self.rowcount = len(rows)
        self._rows = iter(rows)

    def fetchone(self) -> Any:
        """The next row; None behind the last."""
        return next(self._rows, None)

    def fetchall(self) -> list[Any]:
        """The rows that are left."""
        return list(self._rows)

    def __iter__(self) -> Iterator[Any]:
        return self._rows


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
