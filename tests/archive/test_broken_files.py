"""Files that are torn, damaged, full or locked: a typed error that says what to do, and nothing lost."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from context_compaction.archive import SQLiteArchive
from context_compaction.archive.sqlite import opening
from context_compaction.errors import ArchiveCorrupt, ArchiveUnavailable, StaleView
from context_compaction.testing.archive_rows import Writer
from tests.archive.operations import fill
from tests.archive.states import read_all, state_of

ROOT = Path(__file__).parents[2]
HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA locking_mode = " + sys.argv[2])
connection.execute("BEGIN IMMEDIATE")
connection.execute("UPDATE branches SET version = version")
if sys.argv[2] == "EXCLUSIVE":
    connection.execute("COMMIT")
print("held", flush=True)
sys.stdin.read()
"""
LIMITED = """
import resource, sys
from pathlib import Path
from context_compaction.archive import SQLiteArchive
from context_compaction.errors import ArchiveUnavailable
from context_compaction.testing.archive_rows import Writer
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, resource.RLIM_INFINITY))
with SQLiteArchive(sys.argv[1]) as archive:
    writer = Writer.of(archive)
    try:
        while True:
            writer.say("word " * 5000)
            print(writer.last_seq, flush=True)
    except ArchiveUnavailable as error:
        print(error, flush=True)
    stored = len(archive.messages(writer.branch))
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    Writer.of(archive).say("and on")
    print(stored)
"""


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "BUSY_SECONDS", 0.05)


def texts(archive: SQLiteArchive) -> list[str]:
    return [row.message.text for row in archive.messages(archive.open_session("default", "s").branch)]


def child(script: str, *arguments: object) -> list[str]:
    """What a process of its own prints, line by line."""
    command = [sys.executable, "-c", script, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


# -- torn ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[int]]:
    """A copy of an archive in use: all messages in the write-ahead log, its size after each."""
    folder = tmp_path_factory.mktemp("live")
    sizes: list[int] = []
    with SQLiteArchive(folder / "used.db") as archive:
        writer = Writer.of(archive)
        for number in range(1, 16):
            writer.say(f"message {number}")
            sizes.append((folder / "used.db-wal").stat().st_size)
        for suffix in ("", "-wal"):
            shutil.copy(folder / f"used.db{suffix}", folder / f"archive.db{suffix}")
    return folder / "archive.db", sizes


@pytest.mark.parametrize("harm", ["cut", "flip", "zero"])
def test_a_torn_log_loses_what_came_after_the_tear_only(live: tuple[Path, list[int]], harm: str, path: Path):
    """Every message acknowledged before is there, and no half of one."""
    source, sizes = live
    wal = source.with_name("archive.db-wal").read_bytes()
    chance = random.Random(harm)
    for offset in [*sizes, *(chance.randrange(len(wal)) for _ in range(40))]:
        torn = bytearray(wal)
        if harm == "cut":
            del torn[offset:]
        elif harm == "zero":
            torn[offset:] = bytes(len(torn) - offset)
        elif offset < len(torn):
            torn[offset] ^= 0x40
        shutil.copy(source, path)
        path.with_name("archive.db-wal").write_bytes(torn)
        before = sum(size <= offset for size in sizes)
        with SQLiteArchive(path) as archive:
            found = texts(archive)
            assert len(found) >= before
            assert found == [f"message {number}" for number in range(1, len(found) + 1)]
            assert archive.search(archive.open_session("default", "s").branch, ["messag"]).total == len(found)
            Writer.of(archive).say("and on")
            assert archive.verify() == []
        state_of(path)
        path.unlink()


@pytest.mark.parametrize("harm", ["cut", "garbage"])
def test_damage_is_never_silent(harm: str, path: Path):
    """A read gives what was written or a typed error, and what it does not meet `verify` finds."""
    fill(path)
    whole = path.read_bytes()
    with SQLiteArchive(path) as archive:
        expected = read_all(archive)
    chance, told = random.Random(harm), 0
    for _ in range(120):
        at = chance.randrange(100, len(whole))  # less, and it is no database: see test_files
        size = chance.choice([1, 8, 64, 4096])
        harmed = whole[:at] if harm == "cut" else whole[:at] + chance.randbytes(size) + whole[at + size :]
        path.write_bytes(harmed[: len(whole)])
        try:
            with SQLiteArchive(path) as archive:
                well = archive.verify() == []
                found = read_all(archive)
            assert found == expected or not well
        except (ArchiveCorrupt, StaleView) as error:
            told += isinstance(error, StaleView) or str(path) in str(error) or "m:" in str(error)
        for left in path.parent.iterdir():
            left.unlink()
    assert told > 20


def test_a_text_that_is_damaged_is_not_quoted(path: Path):
    """The error names the file; what was said stays out of logs."""
    fill(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE messages SET payload = CAST(x'7365637265748081' AS TEXT) WHERE seq = 2")
        connection.commit()
    with SQLiteArchive(path) as archive, pytest.raises(ArchiveCorrupt, match="restore a backup") as caught:
        texts(archive)
    assert "secret" not in str(caught.value)


# -- full ------------------------------------------------------------------------------------------------


def talk_on(writer: Writer) -> None:
    while True:
        writer.say("word " * 1000)


def test_a_full_disk_is_told_and_what_was_acknowledged_stays(path: Path):
    """By SQLite's own limit; with room again it goes on."""
    with SQLiteArchive(path) as archive:
        writer = Writer.of(archive)
        connection = archive._connections.get()
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages + 8}")
        with pytest.raises(ArchiveUnavailable, match=r"disk is full; nothing was written, make") as caught:
            talk_on(writer)
        assert str(path) in str(caught.value)
        stored = len(texts(archive))
        assert stored == writer.last_seq - 1 > 0
        connection.execute("PRAGMA max_page_count = 1000000")
        Writer.of(archive).say("and on")
        assert len(texts(archive)) == stored + 1
        assert archive.verify() == []
    state_of(path)


@pytest.mark.skipif(os.name != "posix", reason="limits on the size of files are POSIX's")
def test_a_file_that_may_not_grow_is_told(path: Path):
    *acknowledged, error, stored = child(LIMITED, path)
    assert "archive.db: " in error
    assert "check the disk" in error or "make room" in error
    assert acknowledged == [str(number) for number in range(1, int(stored) + 1)]
    with SQLiteArchive(path) as archive:
        assert len(texts(archive)) == int(stored) + 1
        assert archive.verify() == []


# -- locked ----------------------------------------------------------------------------------------------


@contextmanager
def held(path: Path, mode: str) -> Iterator[None]:
    """Another process in the middle of a write (``NORMAL``), or that lets nobody else in (``EXCLUSIVE``)."""
    command = [sys.executable, "-c", HOLD, str(path), mode]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        yield
        holder.kill()


def test_a_writer_elsewhere_keeps_writers_out_and_readers_not(path: Path, impatient: None):
    with SQLiteArchive(path) as archive:
        writer = Writer.of(archive)
        writer.say("before")
        with held(path, "NORMAL"):
            for write in (lambda: writer.say("meanwhile"), lambda: archive.open_session("default", "new")):
                with pytest.raises(ArchiveUnavailable, match=r"another process held it.*try again"):
                    write()
            assert texts(archive) == ["before"]
            with SQLiteArchive(path) as another:
                assert texts(another) == ["before"]
        Writer.of(archive).say("after")
        assert texts(archive) == ["before", "after"]


def test_a_process_that_shares_with_nobody_is_told(path: Path, impatient: None):
    """Opening, reading and writing alike."""
    with SQLiteArchive(path) as archive:
        Writer.of(archive).say("before")
    with held(path, "EXCLUSIVE"), pytest.raises(ArchiveUnavailable, match=r"another process held it.*try"):
        SQLiteArchive(path)
    with SQLiteArchive(path) as archive:
        assert texts(archive) == ["before"]
