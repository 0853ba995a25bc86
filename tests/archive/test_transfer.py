"""The file of an export: who may read it, what it does not replace, and that all of it comes back."""

import os
import resource
import sqlite3
import stat
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from context_compaction import CannotCompact
from context_compaction.archive import Archive, Fork, SQLiteArchive, open_archive
from context_compaction.errors import ArchiveCorrupt, ArchiveUnavailable
from context_compaction.messages import MediaBlock, Message
from context_compaction.testing.archive_rows import PICTURE, Writer
from context_compaction.testing.archive_transfer import everything, fill, folder
from context_compaction.view import View
from tests.archive.exports import records, sealed
from tests.histories import histories
from tests.session.talks import session


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "export.jsonl"


def said() -> list[Message]:
    picture = MediaBlock("image", data=PICTURE[:2000])
    call = {"id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    return [
        Message("user", "apple", id="i1"),
        Message("user", (picture,)),
        Message.from_openai({"role": "assistant", "content": None, "tool_calls": [call]}),
    ]


# -- writing -------------------------------------------------------------------------------------------------


def test_only_the_owner_may_read_it_and_nothing_is_left_beside_it(archive: Archive, path: Path):
    before = os.umask(0)
    try:
        fill(archive)
        path.write_text("an earlier one")
        path.chmod(0o644)
        archive.export(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]
    assert path.read_bytes().isascii()
    assert path.read_bytes() == sealed(records(path.read_bytes()))


def test_media_are_written_once(archive: Archive, path: Path):
    for name in ("a", "b"):
        Writer.of(archive, name).append(*said(), *said()[1:])
    archive.export(path)
    found = [record["type"] for record in records(path.read_bytes())]
    assert found.count("blob") == 1
    assert found[found.index("blob") - 1 :][:3] == ["message", "blob", "message"]


def test_a_link_stays_one(archive: Archive, path: Path, tmp_path: Path):
    (tmp_path / "link").symlink_to(path)
    archive.export(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert archive.import_(path) == 0


@contextmanager
def little_room(size: int) -> Iterator[None]:
    """Files of this process cannot grow beyond ``size`` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_an_existing_file_stays_when_the_disk_is_full(archive: Archive, path: Path):
    fill(archive)
    path.write_text("an earlier one")
    with little_room(10_000), pytest.raises(ArchiveUnavailable, match="that the disk has room"):
        archive.export(path)
    assert path.read_text() == "an earlier one"
    assert list(path.parent.iterdir()) == [path]


def test_an_existing_file_stays_when_the_archive_is_damaged(tmp_path: Path, path: Path):
    path.write_text("an earlier one")
    with SQLiteArchive(tmp_path / "archive.db") as archive:
        Writer.of(archive).append(*said())
        connection = sqlite3.connect(tmp_path / "archive.db", isolation_level=None)
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("DELETE FROM blobs")
        connection.close()
        with pytest.raises(ArchiveCorrupt, match="are missing from the archive"):
            archive.export(path)
    assert path.read_text() == "an earlier one"
    assert {found.name for found in tmp_path.iterdir()} == {"archive.db", "export.jsonl"}


def test_places_that_cannot_be_written_are_told(archive: Archive, tmp_path: Path):
    with pytest.raises(ArchiveUnavailable, match="this is a folder; name a file in it"):
        archive.export(tmp_path)
    with pytest.raises(ArchiveUnavailable, match="check that its folder exists"):
        archive.export(tmp_path / "missing" / "file")
    with pytest.raises(ArchiveUnavailable, match="no regular file; name another"):
        archive.export("/dev/null")
    busy = tmp_path / f".file.{os.getpid()}.partial"
    busy.write_text("of somebody else")
    with pytest.raises(ArchiveUnavailable, match="another export to it is under way"):
        archive.export(tmp_path / "file")
    assert [(found, found.read_text()) for found in tmp_path.iterdir()] == [(busy, "of somebody else")]


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"])
def test_an_archive_does_not_replace_itself(tmp_path: Path, suffix: str):
    with SQLiteArchive(tmp_path / "archive.db") as archive:
        Writer.of(archive).say("hello")
        with pytest.raises(ArchiveUnavailable, match="the archive itself; name another file"):
            archive.export(tmp_path / f"archive.db{suffix}")
        assert Writer.of(archive).last_seq == 1


# -- equal ---------------------------------------------------------------------------------------------------


def again(archive: Archive) -> None:
    """Check that another archive tells the same after an import, and so exports the same."""
    with folder() as place, open_archive(":memory:") as other:
        archive.export(place / "one")
        other.import_(place / "one")
        assert everything(other) == everything(archive)
        other.export(place / "two")
        assert (place / "two").read_bytes() == (place / "one").read_bytes()


def test_sessions_that_share_each_others_logs(archive: Archive):
    """As forgetting leaves them: no order of whole sessions would put all ancestors first."""
    writer = Writer.of(archive, "first")
    writer.say(*(f"apple {number}" for number in range(5)))
    inner = archive.fork(writer.branch, Fork(5, View(), 0, {}))
    Writer.of(archive, "first").say(*(f"pear {number}" for number in range(5)))
    for name, at in (("second", 7), ("third", 9)):
        archive.fork(inner, Fork(at, View(), 0, {}, session_id=name))
        Writer.of(archive, name).say(f"plum of the {name}")
    archive.forget("first", forks="detach")
    assert [place[1] for place in archive.sessions()] == ["second", "third"]
    again(archive)


def test_an_empty_archive(archive: Archive):
    again(archive)


@given(histories(6), st.sampled_from(["layered", "masking", "truncating"]), st.integers(0, 20))
@settings(max_examples=25)
def test_whatever_a_session_writes(history: list[list[dict[str, Any]]], preset: str, at: int):
    """With compactions, pins and a fork in the middle."""
    from context_compaction import Policy

    with (
        open_archive(":memory:") as archive,
        session(archive, window=300, policy=Policy.named(preset)) as one,
    ):
        for number, batch in enumerate([*history, *history[:1]]):
            with suppress(CannotCompact):
                one.append(batch)
                one.context()
                one.after_turn()
            length = len(one.history())
            if number == len(history) - 1:
                one.pin(f"m:{length}")
                one.fork(min(at, length), "forked" if at % 2 else None)
        again(archive)


def test_neither_way_holds_all_media(archive: Archive, path: Path):
    """60 MB of them, of which a few are in memory at a time."""
    writer = Writer.of(archive)
    for number in range(40):
        data = f"{number:04}" * 375_000
        writer.append(Message("user", (MediaBlock("image", data=data),)))
    with open_archive(":memory:") as other:
        for step in (archive.export, other.import_):
            tracemalloc.start()
            step(path)
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            assert peak < 25_000_000
        assert other.totals(1) == archive.totals(writer.branch)


@pytest.mark.slow
@pytest.mark.slow
def test_neither_way_holds_a_whole_session(archive: Archive, path: Path):
    writer = Writer.of(archive)
    for _ in range(20):
        writer.say(*(f"{number} " + "word " * 50 for number in range(500)))
    with open_archive(":memory:") as other:
        for step in (archive.export, other.import_):
            tracemalloc.start()
            step(path)
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            assert peak < 6_000_000
        assert other.totals(1) == archive.totals(writer.branch)
