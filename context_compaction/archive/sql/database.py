"""What a backend's connection does for the shared modules: run statements, and the few things that differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

Values = Sequence[Any]


class Rows(Protocol):
    """What a statement gave."""

    @property
    def rowcount(self) -> int:
        """How many rows it changed."""
        ...

    @property
    def lastrowid(self) -> int | None:
        """The key of the row that it inserted."""
        ...

    def fetchone(self) -> Any:
        """The next row; None behind the last."""
        ...

    def fetchall(self) -> list[Any]:
        """The rows that are left."""
        ...

    def __iter__(self) -> Iterator[Any]: ...


class Statements(Protocol):
    """Runs statements in the transaction that is under way."""

    def execute(self, sql: str, parameters: Values = (), /) -> Rows:
        """Run one statement. Its placeholders are ``?``, or ``?1``, ``?2`` where one is used twice.

        Who asks several before reading what the first one gave waits once where the database is far.
        """
        ...

    def executemany(self, sql: str, parameters: Iterable[Values], /) -> Rows:
        """Run one statement for each of these rows."""
        ...


class Database(Statements, Protocol):
    """A connection as shared code sees it."""

    @property
    def IntegrityError(self) -> type[Exception]:  # noqa: N802 - DB-API's name
        """Raised over rows that contradict others."""
        ...

    @property
    def DataError(self) -> type[Exception]:  # noqa: N802 - DB-API's name
        """Raised over values that a column cannot hold."""
        ...

    @property
    def DatabaseError(self) -> type[Exception]:  # noqa: N802 - DB-API's name
        """Raised over anything that is wrong on the other side."""
        ...

    def stream(self, sql: str, parameters: Values = ()) -> Iterable[Any]:
        """The rows of a query that may give more than memory holds; other statements may run in between."""
        ...

    def add_messages(self, rows: Sequence[Values]) -> None:
        """Insert rows of `log.ADD_MESSAGE`. Raises `IdTaken` for an id that the log has."""
        ...

    def add_documents(self, rows: Sequence[Values]) -> None:
        """Insert rows of `search.DOCUMENT_COLUMNS` and have their terms found."""
        ...

    def remove_documents(self, keys: Sequence[int]) -> None:
        """Delete documents, and have their terms found no more."""
        ...

    def defer_references(self) -> None:
        """Check only at the end of the transaction that what rows point at is there."""
        ...

    def attempt(self) -> AbstractContextManager[object]:
        """Within it a statement may fail without ending the transaction for those behind it."""
        ...

    def is_damage(self, error: BaseException) -> bool:
        """Whether ``error`` says that what is stored cannot be read, rather than that nothing can now."""
        ...


class IdTaken(Exception):
    """The row at ``index`` of a batch has a message id that the log has already."""

    def __init__(self, index: int) -> None:
        super().__init__(f"the message id of row {index} is taken")
        self.index = index
