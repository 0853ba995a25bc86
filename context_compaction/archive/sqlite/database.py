"""SQLite's connection with what it does in ways of its own."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any

from context_compaction.archive.sql.database import IdTaken, Values
from context_compaction.archive.sql.log import ADD_MESSAGE
from context_compaction.archive.sql.names import listed
from context_compaction.archive.sql.search import DOCUMENT_COLUMNS
from context_compaction.archive.sqlite.checking_file import is_damage
from context_compaction.archive.sqlite.trailing import go_back, take_up, unindex

ADD_DOCUMENT = f"INSERT INTO documents ({DOCUMENT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - columns
REMOVE = "DELETE FROM documents WHERE id IN (SELECT value FROM json_each(?))"
# Terms of removed rows stay in the index's older segments until these are merged.
OPTIMIZE = "INSERT INTO search_index (search_index) VALUES ('optimize')"
DEFER_REFERENCES = "PRAGMA defer_foreign_keys = ON"


class SQLiteDatabase(sqlite3.Connection):
    """See `context_compaction.archive.sql.database.Database`. Closes itself when nothing refers to it."""

    def __del__(self) -> None:
        """Python 3.13 warns of one left open, even where its owner, in the same cycle, would close it."""
        with suppress(sqlite3.ProgrammingError):  # it was never opened
            self.close()

    def stream(self, sql: str, parameters: Values = ()) -> Iterable[Any]:
        """Rows are read as they are asked for anyway."""
        return self.execute(sql, parameters)

    def add_messages(self, rows: Sequence[Values]) -> None:
        """The rows before the one whose id is taken are in; the transaction that they are in will not be."""
        before = self.total_changes
        try:
            self.executemany(ADD_MESSAGE, rows)
        except sqlite3.IntegrityError as error:
            if "messages.message_id" in str(error):
                raise IdTaken(self.total_changes - before) from error
            raise

    def add_documents(self, rows: Sequence[Values]) -> None:
        """The index has their keys as its row numbers, and takes them a batch at a time."""
        last = 0
        for row in rows:
            last = self.execute(ADD_DOCUMENT, row).lastrowid or 0
        take_up(self, last, rows)

    def remove_documents(self, keys: Sequence[int]) -> None:
        """From the index first."""
        named = listed(keys)
        unindex(self, named)
        self.execute(REMOVE, (named,))
        go_back(self)

    def optimize(self) -> None:
        """Merge the index into one, so that nothing of removed rows is left in it."""
        self.execute(OPTIMIZE)

    def defer_references(self) -> None:
        """Until the next commit."""
        self.execute(DEFER_REFERENCES)

    def attempt(self) -> AbstractContextManager[object]:
        """A statement that fails ends nothing but itself."""
        return nullcontext()

    def is_damage(self, error: BaseException) -> bool:
        """By SQLite's error code."""
        return is_damage(error)
