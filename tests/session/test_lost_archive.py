"""The archive of a session is of no use for a while: typed, nothing acknowledged is lost, and it goes on."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import pytest

from context_compaction import Session, SQLiteArchive
from context_compaction.archive.sqlite import opening
from context_compaction.errors import ArchiveUnavailable
from tests.session.lists import said
from tests.session.talks import dicts, filling, session, size
from tests.windows import assistant, user

Trouble = Callable[[SQLiteArchive], AbstractContextManager[None]]
TALK = filling(900)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody who holds the file here lets go of it while somebody waits."""
    monkeypatch.setattr(opening, "BUSY_SECONDS", 0.05)


@pytest.fixture
def archive(tmp_path: Path) -> Generator[SQLiteArchive]:
    (tmp_path / "folder").mkdir()
    with SQLiteArchive(tmp_path / "folder" / "archive.db") as made:
        yield made


@contextmanager
def locked(archive: SQLiteArchive) -> Generator[None]:
    """Another program writes and takes its time."""
    with closing(sqlite3.connect(archive.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@contextmanager
def full(archive: SQLiteArchive) -> Generator[None]:
    """No page can be added."""
    connection = archive._connections.get()
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    yield
    connection.execute("PRAGMA max_page_count = 1000000")


@contextmanager
def read_only(archive: SQLiteArchive) -> Generator[None]:
    """By SQLite's own error: root may write any file."""
    connection = archive._connections.get()
    connection.execute("PRAGMA query_only = ON")
    yield
    connection.execute("PRAGMA query_only = OFF")


@contextmanager
def folder_gone(archive: SQLiteArchive) -> Generator[None]:
    """Moved away, and put back in the end."""
    folder = Path(archive.path).parent
    folder.rename(folder.with_name("elsewhere"))
    yield
    folder.with_name("elsewhere").rename(folder)


WHAT_TO_DO: dict[Trouble, str] = {
    locked: "nothing was written, try again",
    full: "make room and try again",
    read_only: "make both writable",
    folder_gone: "put it back and open the archive again",
}
POSIX = pytest.mark.skipif(os.name != "posix", reason="elsewhere an open file cannot be moved")
TROUBLES = [locked, full, read_only, pytest.param(folder_gone, marks=POSIX)]


def opened(archive: SQLiteArchive) -> Session:
    s = session(archive, session_id="s")
    s.append(TALK)
    return s


@pytest.mark.parametrize("trouble", TROUBLES)
def test_what_was_acknowledged_is_there_and_it_goes_on(trouble: Trouble, archive: SQLiteArchive) -> None:
    """An append says what to do and stores nothing; with the trouble over, the same session takes it."""
    s = opened(archive)
    more = [assistant("long " * 3000), user("on")]
    with trouble(archive), pytest.raises(ArchiveUnavailable, match=WHAT_TO_DO[trouble]) as caught:
        s.append(more)
    assert archive.path in str(caught.value)
    assert said(s) == TALK
    s.append(more)
    assert said(s) == [*TALK, *more]
    assert size(s.context()) <= 1000
    with SQLiteArchive(archive.path) as another:
        assert said(session(another, session_id="s")) == [*TALK, *more]
        assert another.verify() == []


@pytest.mark.parametrize("trouble", TROUBLES)
def test_every_change_is_refused_and_none_is_half_done(trouble: Trouble, archive: SQLiteArchive) -> None:
    """By hand, a pin, a fork, a list that differs: as if it had not been asked."""
    s = opened(archive)
    s.pin("m:3")
    pins, view, branches = s.pins, s.view, s.branches()
    big = "word " * 4000
    asked: list[Callable[[], object]] = [
        s.compact,
        lambda: s.pin("m:5"),
        lambda: s.unpin("m:3"),
        lambda: s.fork(4),
        lambda: s.fork(4, session_id="copy"),
        lambda: s.sync([*TALK[:5], assistant(big)]),
    ]
    if trouble is full:
        asked = asked[-1:]  # the others find room on pages that are there
    for ask in asked:
        with trouble(archive), pytest.raises(ArchiveUnavailable):
            ask()
        assert (s.pins, s.view, said(s)) == (pins, view, TALK)
        assert [branch for branch in s.branches() if branch.active] == branches
        assert dicts(s.context()) == dicts(session(archive, session_id="s").context())
    assert archive.sessions() == [("default", "s")]
    assert archive.verify() == []


@pytest.mark.parametrize("trouble", [locked, read_only])
def test_a_turn_goes_on_while_nothing_can_be_written(trouble: Trouble, archive: SQLiteArchive) -> None:
    """What fits needs no compaction: a context under pressure, and what comes after a turn, fail nobody."""
    s = opened(archive)
    with trouble(archive):
        assert dicts(s.context()) == TALK
        told = s.after_turn({"input_tokens": 900, "output_tokens": 3})
        assert told is None or not told.committed
        assert s.recall("question 3")[0].ref == "m:5"
        assert dicts(s.expand("m:1")) == TALK[:1]
        assert said(s) == TALK


@pytest.mark.parametrize("trouble", [locked, read_only, pytest.param(folder_gone, marks=POSIX)])
def test_what_does_not_fit_is_told(trouble: Trouble, archive: SQLiteArchive) -> None:
    """Nothing leaves the context that is not archived first; afterwards it does."""
    s = opened(archive)
    s.append([assistant("long " * 700), user("on")])
    with trouble(archive), pytest.raises(ArchiveUnavailable):
        s.context()
    assert (s.view.version, size(s.context()) <= 1000, s.view.version) == (0, True, 1)
