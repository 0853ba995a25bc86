"""The connection is lost at every statement of every writing operation: all of it is there, or nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from context_compaction.archive import Archive, open_archive
from context_compaction.archive.postgres import erasing
from context_compaction.archive.postgres.connection import Connections
from context_compaction.errors import ArchiveUnavailable
from context_compaction.testing.archive_rows import Writer
from tests.archive.operations import ANYWHERE, MODEL, Thunk, export, fill_archive
from tests.archive.states import CLOCKS
from tests.postgres import connected

State = list[dict[str, Any]]


class Statements:
    """Every statement of this process's connections, in order; before or after one the connection is lost."""

    def __init__(self, server: str) -> None:
        self.seen: list[str] = []
        self.at: int | str | None = None
        self.after = False
        self.end = 0
        self.losing = False
        self._server = server

    def arm(self, at: int | str | None = None, *, after: bool = False) -> None:
        """Count anew; lose the connection before a statement, by number or text, or once it was run."""
        self.seen, self.at, self.after = [], at, after

    def run(self, cursor: psycopg.Cursor[Any], query: object, really: Callable[[], Any]) -> Any:
        self.seen.append(query.decode() if isinstance(query, bytes) else str(query))
        if self.at not in (len(self.seen), self.seen[-1]):
            return really()
        if not self.after:
            self._lose(cursor.connection)
            return really()
        with cursor.connection.pipeline():
            really()  # the end of this waits for it, also where it was sent together with others
        self._lose(cursor.connection)
        raise psycopg.OperationalError("no answer came")

    def _lose(self, connection: psycopg.Connection[Any]) -> None:
        self.at = None
        if self.after:
            connection.close()
            return
        self.losing = True
        with connected(self._server) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", (connection.info.backend_pid,))
        self.losing = False


@pytest.fixture
def statements(postgres_server: str, monkeypatch: pytest.MonkeyPatch) -> Statements:
    points = Statements(postgres_server)

    def counted(kind: type[psycopg.Cursor[Any]], name: str) -> None:
        real = getattr(kind, name)

        def run(cursor: psycopg.Cursor[Any], query: object, *rest: Any, **options: Any) -> Any:
            if points.losing or (isinstance(query, bytes) and query.startswith(b"SET ")):
                return real(cursor, query, *rest, **options)  # of ours, or a connection that is being made
            return points.run(cursor, query, lambda: real(cursor, query, *rest, **options))

        monkeypatch.setattr(kind, name, run)

    for name in ("execute", "executemany"):
        counted(psycopg.Cursor, name)
    return points


@contextmanager
def filled(address: str) -> Iterator[Archive]:
    with open_archive(address) as archive:
        fill_archive(archive)
        yield archive


def state_of(archive: Archive, folder: Path) -> State:
    """All that an export tells, clocks aside (the sequences that keys are from do not go back), and what has
    no vector.
    """
    archive.export(folder / "state.jsonl")
    lines = (json.loads(line) for line in (folder / "state.jsonl").read_text().splitlines()[:-1])
    told = [{name: value for name, value in line.items() if name not in CLOCKS} for line in lines]
    branches = [archive.open_session(*session).branch for session in archive.sessions()]
    return [*told, {"unembedded": [archive.unembedded(branch, MODEL) for branch in branches]}]


def loses_nothing(archive: Archive, work: Thunk, statements: Statements, folder: Path, places: int) -> None:
    """The connection is lost before the COMMIT, at so many places before it, and before its answer comes."""
    before = state_of(archive, folder)
    statements.arm("COMMIT")
    _is_refused(archive, work, statements, before, folder)
    end = statements.end
    for at in range(2, end, max(1, end // places)):
        statements.arm(at)
        _is_refused(archive, work, statements, before, folder)
    statements.arm("COMMIT", after=True)
    work()
    statements.arm()
    assert state_of(archive, folder) != before
    Writer.of(archive, "t").say("and on")
    assert archive.verify() == []


def _is_refused(archive: Archive, work: Thunk, statements: Statements, before: State, folder: Path) -> None:
    with pytest.raises(ArchiveUnavailable, match=r"connection was lost|server is shutting down"):
        work()
    statements.end = len(statements.seen)
    statements.at = None
    assert state_of(archive, folder) == before, statements.seen[-1]


@pytest.mark.parametrize("places", [4, pytest.param(1000, marks=pytest.mark.slow)], ids=["", "all"])
@pytest.mark.parametrize("name", [name for name in ANYWHERE if name != "open_session"])
def test_a_lost_connection_leaves_all_or_nothing(
    name: str, places: int, postgres_schema: str, statements: Statements, tmp_path: Path
):
    with filled(postgres_schema) as archive:
        loses_nothing(archive, ANYWHERE[name](archive), statements, tmp_path, places)


def test_a_session_is_there_or_not_whatever_is_lost(postgres_schema: str, statements: Statements):
    """Opening one reads first: lost behind that, the connection is not needed any more."""
    with open_archive(postgres_schema) as archive:
        failed = 0
        for at in range(2, 15):
            for after in (False, True):
                name = f"{at} {after}"
                statements.arm(at, after=after)
                try:
                    assert archive.open_session("n", name).last_seq == 0
                except ArchiveUnavailable:
                    failed += 1
                statements.arm()
                assert archive.sessions("n").count(("n", name)) <= 1
                assert Writer.of(archive, name, "n").last_seq == 0
        assert archive.verify() == []
        assert failed > 10


def test_a_lost_connection_leaves_all_or_nothing_of_an_import(
    postgres_schema: str, statements: Statements, tmp_path: Path
):
    export(tmp_path)
    with filled(postgres_schema) as archive:
        work = lambda: archive.import_(tmp_path / "export.jsonl")  # noqa: E731
        loses_nothing(archive, work, statements, tmp_path, 4)


@pytest.fixture(autouse=True)
def without_vacuum(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no part of the transaction, and has a connection of its own."""
    monkeypatch.setattr(erasing, "vacuum", lambda _: None)


@pytest.mark.parametrize("answer", ["in progress", None, psycopg.OperationalError("gone")])
def test_a_commit_of_unknown_outcome_says_so(
    answer: object, postgres_schema: str, statements: Statements, monkeypatch: pytest.MonkeyPatch
):
    def outcome(*_: object) -> object:
        if isinstance(answer, Exception):
            raise answer
        return answer

    with open_archive(postgres_schema) as archive:
        writer = Writer.of(archive)
        monkeypatch.setattr(Connections, "outcome", outcome)
        statements.arm("COMMIT", after=True)
        with pytest.raises(ArchiveUnavailable, match="may be there or not; read it again"):
            writer.say("hello")


def test_a_connection_lost_between_calls_is_replaced(postgres_schema: str, statements: Statements):
    """Nothing was under way: whoever calls next does not notice."""
    with open_archive(postgres_schema) as archive:
        writer = Writer.of(archive)
        statements.arm(1)
        writer.say("hello")
        assert statements.seen[0].strip().startswith("BEGIN")
        assert statements.seen[1] == statements.seen[0], "it was not begun again"
        assert archive.tip(writer.branch).last_seq == 1
