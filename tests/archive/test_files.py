"""The file itself: who may read it, what is refused and left as it is, what is said then."""

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from context_compaction.archive import SQLiteArchive, open_archive
from context_compaction.archive.sqlite import migrations, opening
from context_compaction.errors import ArchiveCorrupt, ArchiveTooNew, ArchiveUnavailable
from context_compaction.testing.archive_rows import Writer

ROOT = Path(__file__).parents[2]
FILL = """
import os, sys
from context_compaction.archive import SQLiteArchive
from context_compaction.testing.archive_rows import Writer
writer = Writer.of(SQLiteArchive(sys.argv[1]), sys.argv[2])
writer.say("one", "two")
sys.stdout.write("written")
sys.stdout.flush()
os._exit(9)
"""


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def contents(path: Path) -> dict[str, bytes]:
    return {found.name: found.read_bytes() for found in path.parent.iterdir()}


def beside(path: Path) -> set[str]:
    return {found.name for found in path.parent.iterdir()}


def test_only_the_owner_may_read_it(path: Path, open_umask: None):
    with SQLiteArchive(path) as archive:
        Writer.of(archive).say("secret")
        modes = {found.name: stat.S_IMODE(found.stat().st_mode) for found in path.parent.iterdir()}
    assert modes == {"archive.db": 0o600, "archive.db-wal": 0o600, "archive.db-shm": 0o600}


def test_an_empty_file_is_taken_and_made_private(path: Path):
    path.touch(mode=0o644)
    with SQLiteArchive(path) as archive:
        Writer.of(archive).say("hello")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["with space ?#%20.db", "\u00e9\u4e2d.db"])
def test_any_file_name_is_a_file_name(tmp_path: Path, name: str):
    with open_archive(tmp_path / name) as archive:
        Writer.of(archive).say("hello")
    assert beside(tmp_path / name) == {name}


def test_a_folder_is_refused(tmp_path: Path):
    with pytest.raises(ArchiveUnavailable, match=r"folder; name a file in it"):
        SQLiteArchive(tmp_path)


def test_a_missing_folder_is_not_made(tmp_path: Path):
    with pytest.raises(ArchiveUnavailable, match=r"does not exist; create it first"):
        SQLiteArchive(tmp_path / "missing" / "archive.db")
    assert not (tmp_path / "missing").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("mode", [0o000, 0o400])
def test_an_unreadable_file_is_refused(path: Path, mode: int):
    SQLiteArchive(path).close()
    path.chmod(mode)
    with pytest.raises(ArchiveUnavailable, match="check its permissions"):
        SQLiteArchive(path)


def foreign_text(path: Path) -> None:
    path.write_text("dear diary, " * 1000)


def foreign_database(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE diary (day TEXT)")
    connection.commit()
    connection.close()


def foreign_application(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA application_id = 1234")
    connection.close()


def foreign_with_a_wal(path: Path) -> None:
    """As a program that was killed leaves it: opened for writing, SQLite would take the WAL in."""
    foreign_database(path.with_name("other"))
    connection = sqlite3.connect(path.with_name("other"))
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("INSERT INTO diary VALUES ('today')")
    connection.commit()
    for suffix in ("", "-wal"):
        shutil.copy(path.with_name(f"other{suffix}"), path.with_name(f"{path.name}{suffix}"))
    connection.close()
    path.with_name("other").unlink()


@pytest.mark.parametrize("make", [foreign_text, foreign_database, foreign_application, foreign_with_a_wal])
def test_what_is_not_ours_stays_as_it_is(path: Path, make):
    make(path)
    before, mode = contents(path), path.stat().st_mode
    with pytest.raises(ArchiveCorrupt, match="name another file"):
        SQLiteArchive(path)
    assert (contents(path), path.stat().st_mode) == (before, mode)


def test_a_newer_schema_is_refused_and_stays(path: Path):
    with SQLiteArchive(path) as archive:
        Writer.of(archive).say("from the future")
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(ArchiveTooNew, match=r"schema version 99.*install a newer release"):
        SQLiteArchive(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("keep", [50, 4096, 9000])
def test_a_torn_file_is_told(path: Path, keep: int):
    with SQLiteArchive(path) as archive:
        Writer.of(archive).say(*(f"message {number}" * 50 for number in range(200)))
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ArchiveCorrupt), SQLiteArchive(path) as archive:
        archive.messages(Writer.of(archive).branch)


@pytest.mark.parametrize("place", ["file", ":memory:"])
def test_without_fts5_it_says_what_to_do(path: Path, place: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(opening, "SEARCH_MODULE", "fts99")
    with pytest.raises(ArchiveUnavailable, match=r"without FTS5.*use a Python that bundles SQLite"):
        SQLiteArchive(path if place == "file" else place)


def test_a_locked_file_is_unavailable_and_unharmed(path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(opening, "BUSY_SECONDS", 0.05)
    with SQLiteArchive(path) as archive:
        writer = Writer.of(archive)
        writer.say("before")
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(ArchiveUnavailable, match="another process held it"):
            writer.say("meanwhile")
        assert len(archive.messages(writer.branch)) == 1
        other.execute("ROLLBACK")
        other.close()
        Writer.of(archive).say("after")
        assert len(archive.messages(writer.branch)) == 2


def test_a_process_that_dies_leaves_what_it_acknowledged(path: Path):
    for number in range(2):
        done = run_fill(path, f"s{number}")
        assert (done.returncode, done.stdout) == (9, "written")
    with SQLiteArchive(path) as archive:
        for number in range(2):
            assert len(archive.messages(archive.open_session("default", f"s{number}").branch)) == 2


def test_processes_may_make_the_file_at_the_same_time(path: Path):
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda number: run_fill(path, f"s{number}"), range(4)))
    assert [(one.returncode, one.stderr) for one in done] == [(9, "")] * 4


def test_threads_that_end_leave_no_connection(path: Path):
    with SQLiteArchive(path) as archive:
        writer = Writer.of(archive)
        writer.say("hello")
        for _ in range(3):
            with ThreadPoolExecutor(4) as pool:
                list(pool.map(lambda _: archive.messages(writer.branch), range(40)))
        assert len(archive._connections._owned) == 1
    assert open_handles(path) == 0


def test_a_vanished_file_is_not_made_again(path: Path):
    with SQLiteArchive(path) as archive:
        writer = Writer.of(archive)
        path.unlink()
        with ThreadPoolExecutor(1) as pool, pytest.raises(ArchiveUnavailable, match="check that its folder"):
            pool.submit(archive.messages, writer.branch).result()
    assert not path.exists()


def test_a_migration_runs_once(path: Path, monkeypatch: pytest.MonkeyPatch):
    """Where another process was first: the version is read again under the lock."""
    SQLiteArchive(path).close()
    true_version, seen = migrations.version_of, [0]
    monkeypatch.setattr(migrations, "version_of", lambda *of: seen.pop() if seen else true_version(*of))
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        migrations.migrate(connection, str(path))
        assert true_version(connection, str(path)) == len(migrations.MIGRATIONS)
    assert not seen


def test_addresses_that_are_of_no_archive_are_told():
    for name, words in (
        ("mysql://h/db", "mysql"),
        ("", "empty path"),
    ):
        with pytest.raises(ArchiveUnavailable, match=words):
            open_archive(name)
    with pytest.raises(TypeError, match="not int"):
        open_archive(3)  # pyright: ignore[reportArgumentType] - that is the point


def test_an_archive_is_given_back_as_it_is():
    with SQLiteArchive() as archive:
        assert open_archive(archive) is archive


def run_fill(path: Path, session: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-c", FILL, str(path), session]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def open_handles(path: Path) -> int:
    links = (link for link in Path("/proc/self/fd").iterdir())
    return sum(str(path) in os.path.realpath(link) for link in links)
