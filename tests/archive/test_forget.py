"""Forgetting leaves no byte, whatever comes between; and leaves forks what they were."""

from __future__ import annotations

import gc
import logging
import os
import sqlite3
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from context_compaction.archive import Forgotten, Fork, SQLiteArchive
from context_compaction.archive.sqlite import erasing, forgetting, opening
from context_compaction.errors import ArchiveCorrupt, ArchiveUnavailable
from context_compaction.testing.archive_forget import all_of, filled
from context_compaction.testing.archive_rows import Writer
from context_compaction.view import Pin
from tests.archive.growing import branch_ids, grown_archive, recounted
from tests.archive.planting import SAID, Secrets, planted
from tests.archive.states import check, chores_of

STEPS = 10
OTHERS = [f"other {number}" for number in range(5)]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody who holds the file here lets go of it while somebody waits."""
    monkeypatch.setattr(opening, "BUSY_SECONDS", 0.05)
    monkeypatch.setattr(erasing, "BUSY_SECONDS", 0.05)


def grown(path: Path, secret: Secrets) -> tuple[str, str]:
    """A file with a session full of secrets and 2,000 rows of others, written in turns; its id, namespace."""
    session, namespace = secret(), secret()
    with SQLiteArchive(path) as archive:
        for step in planted(archive, secret, session, namespace, STEPS):
            for other in OTHERS:
                Writer.of(archive, other).say(*(f"ordinary talk {step} {n} of {other}" for n in range(40)))
    return session, namespace


def others(archive: SQLiteArchive) -> list[list[Any]]:
    return [all_of(archive, archive.open_session("default", other).branch) for other in OTHERS]


def is_whole(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        check(connection)


@contextmanager
def reading(path: Path) -> Generator[None]:
    """Another program that has begun to read and takes its time."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM messages").fetchone()
        yield


def test_no_byte_is_left(path: Path, tmp_path: Path, unsynced: None):
    secret = Secrets()
    place = grown(path, secret)
    with SQLiteArchive(path) as archive:
        before = others(archive)
        assert secret.found(path) >= secret.stored, "what is never there proves nothing"
        assert archive.forget(*place) == Forgotten(1, 1, SAID * STEPS)
        assert secret.found(path) == set()
        assert others(archive) == before
        assert archive.sessions() == [("default", other) for other in OTHERS]
        archive.backup(tmp_path / "backup.db")
        assert secret.found(tmp_path / "backup.db") == set()
        assert archive.verify() == []
    assert secret.found(path) == set()
    assert chores_of(path) == []
    is_whole(path)


def test_a_process_that_dies_before_erasing_leaves_it_to_the_next(path: Path, unsynced: None):
    secret = Secrets()
    place = grown(path, secret)
    child = os.fork()
    if child == 0:
        archive = SQLiteArchive(path)
        with archive._connections.writing() as connection:
            forgetting.forget(connection, *place, "raise")
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert secret.found(path), "a log that nobody checkpointed leaves the file as it was"
    assert chores_of(path) == ["erase"]
    with SQLiteArchive(path) as archive:
        assert secret.found(path) == set()
        assert archive.sessions() == [("default", other) for other in OTHERS]
    assert chores_of(path) == []


def test_a_reader_puts_erasing_off(path: Path, impatient: None, unsynced: None):
    """It is said, whoever opens meanwhile need not wait, and the next forget of anything finishes it."""
    secret = Secrets()
    place = grown(path, secret)
    with SQLiteArchive(path) as archive:
        with reading(path):
            with pytest.raises(ArchiveUnavailable, match=r"session is gone, but bytes of it may remain"):
                archive.forget(*place)
            assert place[::-1] not in archive.sessions()
            assert secret.found(path)
            with SQLiteArchive(path) as another:
                assert place[::-1] not in another.sessions()
                Writer.of(another, "other 0").say("work goes on")
            assert chores_of(path) == ["erase"]
        assert archive.forget("nobody") == Forgotten()
        assert secret.found(path) == set()
        assert chores_of(path) == []


def test_a_writer_puts_erasing_off(path: Path, impatient: None, caplog: pytest.LogCaptureFixture):
    """At opening: it is logged, and done at the next one."""
    with SQLiteArchive(path) as archive:
        filled(archive, "s")
        with archive._connections.writing() as connection:
            forgetting.forget(connection, "s", "default", "raise")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with caplog.at_level(logging.WARNING):
            SQLiteArchive(path).close()
        assert "erased at a later opening" in caplog.text
        assert chores_of(path) == ["erase"]
        other.execute("ROLLBACK")
    SQLiteArchive(path).close()
    assert chores_of(path) == []


def test_what_another_process_forgot_meanwhile_is_still_to_be_erased(
    path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The second forget commits after the first one wrote the file anew, and before it is done."""
    with SQLiteArchive(path) as archive, SQLiteArchive(path) as other:
        for name in ("one", "two"):
            filled(archive, name)
        emptied = erasing._emptied

        def meanwhile(*given: Any) -> bool:
            monkeypatch.setattr(erasing, "_emptied", emptied)
            with other._connections.writing() as connection:
                forgetting.forget(connection, "two", "default", "raise")
            return emptied(*given)

        monkeypatch.setattr(erasing, "_emptied", meanwhile)
        archive.forget("one")
        assert chores_of(path) == ["erase"]


@pytest.mark.parametrize(("elsewhere", "copied"), [(False, False), (True, False), (False, True)])
def test_a_read_that_failed_keeps_nothing_from_being_written_anew(path: Path, elsewhere: bool, copied: bool):
    """Its cursor lives as long as the traceback, which is in a cycle with its own error."""
    with SQLiteArchive(path) as archive, ThreadPoolExecutor(1) as pool:
        writer = filled(archive, "broken")
        filled(archive, "s")
        with archive._connections.writing() as connection:
            connection.execute("UPDATE messages SET payload = '[1]' WHERE branch = ?", (writer.branch,))

        def fail() -> None:
            errors = list[BaseException]()
            errors.append(errors)  # pyright: ignore[reportArgumentType] - a cycle, as tracebacks make them
            with pytest.raises(ArchiveCorrupt) as caught:
                archive.messages(writer.branch)
            errors.append(caught.value)

        gc.disable()
        try:
            pool.submit(fail).result() if elsewhere else fail()
            if copied:
                archive.backup(path.with_name("copy.db"))
            archive.forget("s")
        finally:
            gc.enable()
    assert chores_of(path) == []


def test_detaching_leaves_no_byte_of_what_forks_do_not_share(path: Path, unsynced: None):
    shared, secret = Secrets(1), Secrets(2)
    with SQLiteArchive(path) as archive:
        *_, at = planted(archive, shared, "s", "default", 2)
        writer = Writer.of(archive, "s")
        view = archive.state(writer.branch).view
        fork = archive.fork(writer.branch, Fork(at, view, 2, {}, session_id="fork"))
        list(planted(archive, secret, "s", "default", 2))
        archive.pin(writer.branch, Pin(f"m:{at}", secret()))
        before = all_of(archive, fork)
        assert secret.found(path) >= secret.stored
        archive.forget("s", forks="detach")
        assert all_of(archive, fork) == before
        assert secret.found(path) == set()
        assert shared.found(path), "the fork still has what it shares"
    is_whole(path)


@given(st.data())
@settings(max_examples=25)
def test_any_sessions_can_be_detached(data: st.DataObject):
    """Compacted, pinned and forked at random: the survivors are what they were, the file is whole."""
    with grown_archive(data) as (archive, connection):
        names = [name for _, name in archive.sessions()]
        going = data.draw(st.permutations(names))
        for number, name in enumerate(going[: data.draw(st.integers(1, len(going)))], 1):
            left = going[number:]
            before = {one: all_of(archive, archive.open_session("default", one).branch) for one in left}
            archive.forget(name, forks="detach")
            assert sorted(one for _, one in archive.sessions()) == sorted(left)
            for one in left:
                assert all_of(archive, archive.open_session("default", one).branch) == before[one]
            check(connection)
            for branch in branch_ids(connection):
                recounted(archive, connection, branch)
            assert archive.verify() == []
