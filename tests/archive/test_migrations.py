"""Archives of an earlier release: all is there, found as before; the step is taken wholly or not at all."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from context_compaction.archive import Fork, SQLiteArchive, VectorModel
from context_compaction.archive.sqlite.migrations import MIGRATIONS
from context_compaction.errors import ArchiveCorrupt, ArchiveUnavailable
from context_compaction.messages import Message, TextBlock
from context_compaction.messages.storage import content_digest
from context_compaction.recall import recall
from context_compaction.testing.archive_rows import Writer, commit, event, nasty_messages, summary
from context_compaction.testing.faults import HOWS, Fault, FaultPoints, How
from context_compaction.view import Pin, View
from tests.archive.states import TAKE_ALL, State, first_and_last, read_all, state_of
from tests.archive.v1 import Version1

ROOT = Path(__file__).parents[2]
NEWEST = len(MIGRATIONS)
OPEN = """
import sys
from context_compaction.archive import SQLiteArchive
from context_compaction.testing.faults import Fault, FaultPoints
with FaultPoints() as points:
    points.arm(Fault(int(sys.argv[2]), "kill"))
    with SQLiteArchive(sys.argv[1]) as archive:
        print(len(archive.messages(archive.open_session("default", "s").branch)))
"""
NEVER = 10**9


def fill(store: Version1 | SQLiteArchive) -> None:
    """A conversation with everything that version 1 knew, another session of it, and one that is empty."""
    branch = store.open_session("default", "s").branch
    writer = Writer(SQLiteArchive(), branch)
    writer.archive.close()
    store.append(branch, writer.batch(nasty_messages()))
    texts = [Message("user", (TextBlock(text),), timestamp=1.7e9) for text in ("apple pie", "pear", "plum")]
    store.append(branch, writer.batch(texts))
    superseding = writer.batch([Message("system", (TextBlock("Be brief."),))])
    store.append(branch, replace(superseding, rows=(replace(superseding.rows[0], supersedes=1),)))
    store.pin(branch, Pin("m:3", "kept \ud800"))
    store.pin(branch, Pin("m:2", "nul \0"))
    store.note(branch, {"n": 1}, event())
    store.commit(branch, commit(0, summary(1), summary(2, "apple trees", ranges=((5, 6),)), at_seq=6))
    store.commit(
        branch, commit(1, summary(3, generation=1, sources=(1, 2)), at_seq=8, pins=[Pin("m:3", "k")])
    )
    other = store.open_session("m\0", "s\ud800").branch
    store.append(other, Writer(writer.archive, other).batch([*nasty_messages()[3:6], *texts]))
    store.open_session("default", "empty")


pytestmark = pytest.mark.usefixtures("unsynced")


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of version 1."""
    path = tmp_path_factory.mktemp("old") / "archive.db"
    with Version1(path) as store:
        fill(store)
    return path


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same put into a new archive."""
    path = tmp_path_factory.mktemp("new") / "archive.db"
    with SQLiteArchive(path) as store:
        fill(store)
    return path


@pytest.fixture
def path(old: Path, tmp_path: Path) -> Path:
    """A copy of the old one, to be opened."""
    return Path(shutil.copy(old, tmp_path / "archive.db"))


def version_of(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("PRAGMA user_version").fetchone()[0]


def schema_of(path: Path) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name")
        return [tuple(" ".join(str(value).replace('"', "").split()) for value in row) for row in rows]


def test_the_file_is_of_version_1(old: Path):
    assert version_of(old) == 1 < NEWEST
    assert "digest" not in str(schema_of(old))


def test_it_becomes_what_a_new_archive_would_be(path: Path, new: Path):
    """To the row and the statement, and as it is read."""
    with SQLiteArchive(path) as migrated, SQLiteArchive(new) as fresh:
        assert read_all(migrated) == read_all(fresh)
        assert migrated.verify() == []
    assert state_of(path) == state_of(new)
    assert schema_of(path) == schema_of(new)
    assert version_of(path) == NEWEST


def test_what_was_said_is_read_equal(path: Path):
    with SQLiteArchive(path) as archive:
        state = archive.open_session("default", "s")
        rows = archive.messages(state.branch)
        assert [row.message for row in rows[: len(nasty_messages())]] == nasty_messages()
        assert (state.last_seq, archive.tip(state.branch)[0]) == (len(rows), len(rows))
        digests = [row.digest for row in archive.outline(state.branch)]
        assert digests == [content_digest(row.message) for row in rows]
        connection = archive._connections.get()
        tip = connection.execute("SELECT tip FROM branches WHERE id = ?", (state.branch,)).fetchone()[0]
        assert tip.hex() == rows[-1].hash
        assert recall(archive, state.branch, "apple")[0].score > 0


def test_it_goes_on_as_a_new_archive_would(path: Path, new: Path, tmp_path: Path):
    copy = Path(shutil.copy(new, tmp_path / "new.db"))
    for place in (path, copy):
        with SQLiteArchive(place) as archive:
            writer = Writer.of(archive)
            writer.say("apple cider")
            archive.append(writer.branch, writer.batch([nasty_messages()[4]]))
            archive.commit(writer.branch, commit(2, summary(4), at_seq=12))
            child = archive.fork(writer.branch, Fork(9, archive.view(writer.branch, 2), 3, {"n": 2}))
            Writer(archive, child, 9).say("on the branch")
            archive.fork(child, Fork(3, View(), 0, {}, session_id="forked"))
            assert archive._connections.get().execute("PRAGMA foreign_keys").fetchone() == (1,)
            assert archive.verify() == []
    assert state_of(path) == state_of(copy)


# -- wholly or not at all --------------------------------------------------------------------------------


def opening(path: Path) -> list[str]:
    """The statements of an undisturbed migration."""
    with FaultPoints() as points:
        points.arm()
        SQLiteArchive(path).close()
        return points.statements


def is_whole(path: Path, before: State, after: State) -> bool:
    """Version 1 with all its rows, the newest with all, or one between: a step is a transaction."""
    found, version = state_of(path), version_of(path)
    between = {name: rows for name, rows in after.items() if name not in ("vectors", "vector_models")}
    return (found, version) in ((before, 1), (between, 2), (after, 3), (after, NEWEST))


@pytest.mark.parametrize("how", ["instead", *(pytest.param(how, marks=pytest.mark.slow) for how in HOWS[1:])])
def test_a_statement_that_fails_leaves_all_or_nothing(old: Path, new: Path, tmp_path: Path, how: How):
    before, after = state_of(old), state_of(new)
    statements = opening(Path(shutil.copy(old, tmp_path / "counted.db")))
    for at in first_and_last(statements):
        path = Path(shutil.copy(old, tmp_path / f"{at}.db"))
        with FaultPoints() as points:
            points.arm(Fault(at, how, sqlite3.SQLITE_FULL))
            with pytest.raises(ArchiveUnavailable, match=rf"{at}\.db: .*fault point {at}:"):
                SQLiteArchive(path)
        assert is_whole(path, before, after), statements[at - 1]
        SQLiteArchive(path).close()
        assert (state_of(path), version_of(path)) == (after, NEWEST)
        path.unlink()


def test_a_process_killed_anywhere_leaves_all_or_nothing(path: Path, old: Path, new: Path, tmp_path: Path):
    """By the files as they stand before each statement."""
    before, after = state_of(old), state_of(new)
    images: list[Path] = []

    def take() -> None:
        images.append(tmp_path / f"{len(images)}.db")
        for suffix in ("", "-wal", "-journal"):
            beside = path.with_name(f"archive.db{suffix}")
            if beside.exists():
                shutil.copy(beside, f"{images[-1]}{suffix}")

    with FaultPoints() as points:
        points.arm(watch=take)
        SQLiteArchive(path).close()
    assert len(images) == len(points.statements) > 40
    for image in (images[at - 1] for at in first_and_last(points.statements)):
        assert is_whole(image, before, after)
        SQLiteArchive(image).close()
        assert (state_of(image), version_of(image)) == (after, NEWEST)


def run(path: Path, at: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", OPEN, str(path), str(at)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX's")
@pytest.mark.parametrize("share", [0.4, 0.8, 1.0])
def test_a_killed_process_leaves_all_or_nothing(
    path: Path, old: Path, new: Path, tmp_path: Path, share: float
):
    statements = opening(Path(shutil.copy(old, tmp_path / "counted.db")))
    with run(path, int(share * len(statements))) as killed:
        assert killed.wait(60) == -signal.SIGKILL
    assert is_whole(path, state_of(old), state_of(new))
    SQLiteArchive(path).close()
    assert state_of(path) == state_of(new)


def test_processes_may_open_it_at_the_same_time(path: Path, new: Path):
    running = [run(path, NEVER) for _ in range(4)]
    said = [process.communicate(timeout=60)[0].strip() for process in running]
    assert said == [str(len(nasty_messages()) + 4)] * 4
    assert state_of(path) == state_of(new)


# -- version 2 -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("filled", [False, True])
def test_version_2_becomes_what_a_new_archive_would_be(filled: bool, new: Path, tmp_path: Path):
    """It had all but the vectors."""
    path, empty = tmp_path / "archive.db", tmp_path / "empty.db"
    SQLiteArchive(empty).close()
    shutil.copy(new if filled else empty, path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(TAKE_ALL)
        for table in ("search_state", "vectors", "vector_models"):
            connection.execute(f"DROP TABLE {table}")
        connection.execute("PRAGMA user_version = 2")
    SQLiteArchive(path).close()
    assert (state_of(path), schema_of(path)) == (state_of(new if filled else empty), schema_of(new))
    assert version_of(path) == NEWEST
    with SQLiteArchive(path) as migrated:
        writer, model = Writer.of(migrated), VectorModel("m", 2)
        writer.say("and on")
        migrated.add_vectors(writer.branch, model, {f"m:{writer.last_seq}": (1.0, 0.0)})
        assert [near.seq for near in migrated.nearest(writer.branch, model, (1.0, 0.0))] == [writer.last_seq]
        assert migrated.verify() == []


# -- odd files -------------------------------------------------------------------------------------------


def test_one_that_its_process_never_closed(tmp_path: Path, new: Path):
    """All of it still in the write-ahead log."""
    used, path = tmp_path / "used.db", tmp_path / "archive.db"
    with Version1(used) as store:
        fill(store)
        for suffix in ("", "-wal"):
            shutil.copy(f"{used}{suffix}", f"{path}{suffix}")
    SQLiteArchive(path).close()
    assert state_of(path) == state_of(new)


def test_one_without_a_session(tmp_path: Path):
    path = tmp_path / "archive.db"
    Version1(path).__exit__()
    with SQLiteArchive(path) as archive:
        assert archive.sessions() == []
        Writer.of(archive).say("hello")
        assert archive.verify() == []
    assert version_of(path) == NEWEST


def damaged(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE messages SET payload = '{broken' WHERE branch = 1 AND seq = 9")


def without_media(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM message_blobs")
    connection.execute("DELETE FROM blobs")


@pytest.mark.parametrize(("harm", "seq"), [(damaged, 9), (without_media, 4)])
def test_a_message_that_cannot_be_read_keeps_nothing_else_from_it(
    path: Path, harm: Callable[[sqlite3.Connection], None], seq: int
):
    with closing(sqlite3.connect(path)) as connection:
        harm(connection)
        connection.commit()
    with SQLiteArchive(path) as archive:
        branch = archive.open_session("default", "s").branch
        with pytest.raises(ArchiveCorrupt):
            archive.messages(branch, [(seq, seq)])
        assert [row.message for row in archive.messages(branch, [(1, 3)])] == nasty_messages()[:3]
        assert archive.messages(branch, [(14, 17)])[0].message.text == "apple pie"
        Writer.of(archive).say("and on")


def test_one_whose_references_are_broken_stays_as_it_is(path: Path):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM branches WHERE id = 2")
        connection.commit()
    before = path.read_bytes()
    with pytest.raises(ArchiveCorrupt, match="points at a missing row of branches; nothing was changed"):
        SQLiteArchive(path)
    assert (path.read_bytes(), version_of(path)) == (before, 1)


@pytest.mark.slow
def test_a_long_one(tmp_path: Path):
    path = tmp_path / "archive.db"
    texts = [f"message {number} about apples" for number in range(20_000)]
    with Version1(path) as store:
        branch = store.open_session("default", "s").branch
        writer = Writer(SQLiteArchive(), branch)
        store.append(branch, writer.batch([Message("user", (TextBlock(text),)) for text in texts]))
    with SQLiteArchive(path) as archive:
        assert [row.message.text for row in archive.messages(branch)] == texts
        assert archive.tip(branch)[0] == 20_000
        Writer.of(archive).say("and on")
        assert archive.verify() == []
