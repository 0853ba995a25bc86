"""What an archive holds, to be compared: every row of its file, and all that can be read through it."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from context_compaction.archive import Archive
from context_compaction.recall import recall

CLOCKS = frozenset({"stored_at", "created_at", "happened_at", "pruned_at"})
"""Columns that say when a row was written."""
INDEX = "search_index"
TABLES = """
SELECT name FROM pragma_table_list
WHERE schema = 'main' AND type = 'table' AND name NOT IN ('sqlite_schema', 'chores', 'search_state')
ORDER BY name
"""
TAKE_ALL = f"""
INSERT INTO {INDEX} (rowid, terms)
SELECT id, terms FROM documents WHERE id > (SELECT indexed_to FROM search_state)
"""

State = dict[str, list[tuple[Any, ...]]]


def state_of(path: Path) -> State:
    """By table. Raises `AssertionError` when SQLite or the search index finds the file damaged."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        check(connection)
        # Left out: chores, which are work to be done, and how far the index is, and its own tables, which
        # depend on the order of writing too (`check` compares them with the documents).
        found = {name: _rows(connection, name) for (name,) in connection.execute(TABLES).fetchall()}
        return {**found, **_media(connection)} if "blobs" in found else found


def check(connection: sqlite3.Connection) -> None:
    """SQLite's own opinion of the file, its references and its search index."""
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.execute("BEGIN")
    if connection.execute("SELECT 1 FROM pragma_table_list WHERE name = 'search_state'").fetchone():
        # SQLite knows nothing of documents that the index is yet to take.
        connection.execute(TAKE_ALL)
    connection.execute(f"INSERT INTO {INDEX} ({INDEX}, rank) VALUES ('integrity-check', 1)")
    connection.rollback()


def read_all(archive: Archive) -> list[object]:
    """By every way of reading, clocks aside."""
    found: list[object] = []
    for namespace, session in archive.sessions():
        state = archive.open_session(namespace, session)
        branch = state.branch
        found += [state, archive.messages(branch), archive.outline(branch), archive.totals(branch)]
        found += [archive.summaries(branch), archive.events(branch), archive.tip(branch)]
        found += [archive.view(branch, version) for version in range(4)]
        found += [archive.find_ids(branch, ["i1", "media"]), len(archive.branches(branch))]
        found += [
            recall(archive, branch, query, 50) for query in ("apple pears", "lone things", "media tool")
        ]
    return found


def chores_of(path: Path) -> list[str]:
    """What is still to be done."""
    with closing(sqlite3.connect(path)) as connection:
        return [name for (name,) in connection.execute("SELECT name FROM chores")]


def _media(connection: sqlite3.Connection) -> State:
    """Media by what they are: in which order they were numbered says nothing."""
    linked = "SELECT message, hash FROM message_blobs JOIN blobs ON blobs.id = blob"
    return {
        "blobs": sorted(connection.execute("SELECT hash, encoding, data FROM blobs")),
        "message_blobs": sorted(connection.execute(linked)),
    }


def _rows(connection: sqlite3.Connection, table: str) -> list[tuple[Any, ...]]:
    columns = [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')]
    kept = ", ".join(f'"{column}"' for column in columns if column not in CLOCKS)
    return sorted(connection.execute(f'SELECT {kept} FROM "{table}"').fetchall(), key=repr)


def first_and_last(statements: Sequence[str]) -> list[int]:
    """The numbers, from 1, of the statements that have no equal before, or none behind them."""
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    for number, sql in enumerate(statements, 1):
        first.setdefault(sql, number)
        last[sql] = number
    return sorted({*first.values(), *last.values()})
