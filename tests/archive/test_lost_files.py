"""Files that may not be written, are gone, or are another one: nothing is acknowledged that is not kept."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from context_compaction.archive import SQLiteArchive
from context_compaction.errors import ArchiveUnavailable
from context_compaction.testing.archive_rows import Writer

ROOT = Path(__file__).parents[2]
UNPRIVILEGED = """
import os, sys, urllib.parse  # which a path's as_uri imports when it is called, from Python 3.13 on
from context_compaction.archive import SQLiteArchive
from context_compaction.errors import ArchiveUnavailable
from context_compaction.testing.archive_rows import Writer
Writer.of(SQLiteArchive()).say("all modules are loaded: the interpreter may be out of reach soon")
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
try:
    Writer.of(SQLiteArchive(sys.argv[1])).say("hello")
    print("written")
except ArchiveUnavailable as error:
    print(error)
"""
NOBODY = 65534


def texts(archive: SQLiteArchive) -> list[str]:
    return [row.message.text for row in archive.messages(archive.open_session("default", "s").branch)]


# -- not for this user ---------------------------------------------------------------------------------------


def test_what_may_only_be_read_is_told(path: Path):
    """By SQLite's own error: root may write any file."""
    with SQLiteArchive(path) as archive:
        writer = Writer.of(archive)
        writer.say("before")
        archive._connections.get().execute("PRAGMA query_only = ON")
        with pytest.raises(ArchiveUnavailable, match="read-only; make both writable"):
            writer.say("refused")
        assert texts(archive) == ["before"]


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A folder that a user without privileges can reach."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def own(path: Path) -> None:
    """Give a file to the user that the child will be."""
    if os.geteuid() == 0:
        os.chown(path, NOBODY, NOBODY)


def as_nobody(path: Path) -> str:
    """What a user without privileges is told who opens the file and writes."""
    command = [sys.executable, "-c", UNPRIVILEGED, str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.skipif(os.name != "posix", reason="modes and users are POSIX's")
@pytest.mark.parametrize(
    ("file", "folder", "words"),
    [
        (0o600, 0o755, "written"),
        (0o000, 0o755, "not readable and writable for this user; check its permissions"),
        (0o400, 0o755, "not readable and writable for this user; check its permissions"),
        (0o600, 0o555, "the file or its folder is read-only; make both writable"),
        (0o600, 0o000, "check the permissions of the file and its folders"),
    ],
)
def test_modes_are_respected(reachable: Path, file: int, folder: int, words: str):
    """As a user that is not root."""
    inside = reachable / "inside"
    inside.mkdir()
    path = inside / "archive.db"
    SQLiteArchive(path).close()
    own(path)
    own(inside)
    path.chmod(file)
    inside.chmod(folder)
    try:
        said = as_nobody(path)
        assert words in said
    finally:
        inside.chmod(0o755)


@pytest.mark.skipif(os.name != "posix", reason="modes and users are POSIX's")
def test_a_folder_that_may_not_be_written_holds_no_new_file(reachable: Path):
    inside = reachable / "inside"
    inside.mkdir(mode=0o555)
    said = as_nobody(inside / "archive.db")
    assert "cannot be created (Permission denied); check the folder" in said


# -- gone, or another one ----------------------------------------------------------------------------------


def deleted(path: Path) -> None:
    path.unlink()


def folder_deleted(path: Path) -> None:
    shutil.rmtree(path.parent)


def folder_moved(path: Path) -> None:
    path.parent.rename(path.parent.with_name("elsewhere"))


def replaced(path: Path) -> None:
    """As by a backup that is moved in place."""
    shutil.copy(path, path.with_name("backup"))
    path.with_name("backup").replace(path)


def replaced_by_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.skipif(os.name != "posix", reason="elsewhere an open file cannot be moved")
@pytest.mark.parametrize("happen", [deleted, folder_deleted, folder_moved, replaced, replaced_by_a_folder])
def test_nothing_is_acknowledged_into_a_file_that_is_not_there(
    tmp_path: Path, happen: Callable[[Path], None]
):
    """SQLite itself would go on writing into the deleted file."""
    (tmp_path / "folder").mkdir()
    path = tmp_path / "folder" / "archive.db"
    with SQLiteArchive(path) as archive:
        writer = Writer.of(archive)
        writer.say("before")
        happen(path)
        for _ in range(2):
            with pytest.raises(ArchiveUnavailable, match="deleted, replaced or put out of reach"):
                archive.note(writer.branch, {"n": 1})
        with pytest.raises(ArchiveUnavailable, match="put it back and open the archive again"):
            writer.say("refused")
        with ThreadPoolExecutor(1) as pool, pytest.raises(ArchiveUnavailable):
            pool.submit(archive.messages, writer.branch).result()


def test_a_file_that_is_put_back_is_used_again(path: Path):
    with SQLiteArchive(path) as archive:
        writer = Writer.of(archive)
        writer.say("before")
        path.rename(path.with_name("aside"))
        with pytest.raises(ArchiveUnavailable, match="put it back"):
            archive.note(writer.branch, {"n": 1})
        path.with_name("aside").rename(path)
        assert archive.state(writer.branch).state == {}, "what was refused was not written"
        writer.say("after")
        assert texts(archive) == ["before", "after"]
