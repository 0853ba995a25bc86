"""The file of an export: who may read it, what it does not replace, and what of it is refused."""

import hashlib
import json
import os
import resource
import sqlite3
import stat
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from context_compaction import CannotCompact
from context_compaction.archive import Archive, Fork, SQLiteArchive, open_archive
from context_compaction.archive.transfer_records import FIELDS
from context_compaction.errors import ArchiveCorrupt, ArchiveTooNew, ArchiveUnavailable
from context_compaction.messages import MediaBlock, Message
from context_compaction.testing.archive_rows import PICTURE, Writer, commit, summary
from context_compaction.testing.archive_transfer import everything, fill, folder
from context_compaction.view import Pin, View
from tests.histories import histories
from tests.session.talks import session

Records = list[dict[str, Any]]
ODD: tuple[Any, ...] = (
    None,
    True,
    -1,
    7,
    2**63,
    2**70,
    0.5,
    float("nan"),
    "",
    "x",
    "\ud800",
    "\\x41",
    [],
    [1],
    {},
)


@pytest.fixture
def archive() -> Iterator[Archive]:
    with open_archive(":memory:") as opened:
        yield opened


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "export.jsonl"


@pytest.fixture(scope="module")
def small() -> bytes:
    """An export with every kind of record."""
    with open_archive(":memory:") as archive, folder() as place:
        writer = Writer.of(archive, "s")
        writer.append(*said())
        writer.say("pear")
        archive.pin(writer.branch, Pin("m:1", "apple"))
        archive.commit(writer.branch, commit(0, summary(1, ranges=((1, 2),)), at_seq=3))
        archive.fork(writer.branch, Fork(3, View(), 1, {}, session_id="forked"))
        Writer.of(archive, "forked").say("plum")
        archive.export(place / "file")
        return (place / "file").read_bytes()


def said() -> list[Message]:
    picture = MediaBlock("image", data=PICTURE[:2000])
    call = {"id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    return [
        Message("user", "apple", id="i1"),
        Message("user", (picture,)),
        Message.from_openai({"role": "assistant", "content": None, "tool_calls": [call]}),
    ]


def records(file: bytes) -> Records:
    """All but header and end."""
    return [json.loads(line) for line in file.splitlines()[1:-1]]


def sealed(content: Records) -> bytes:
    """A file with its header and end record, as anybody could write it."""
    header = {"format": "context-compaction", "version": 1}
    lines = [json.dumps(record, separators=(",", ":")) for record in (header, *content)]
    body = "".join(f"{line}\n" for line in lines).encode()
    end = {"type": "end", "lines": len(lines), "sha256": hashlib.sha256(body).hexdigest()}
    return body + json.dumps(end, separators=(",", ":")).encode() + b"\n"


def refusal(archive: Archive, path: Path, file: bytes) -> str:
    """What is said of a file of which nothing may be imported."""
    path.write_bytes(file)
    with pytest.raises(ArchiveCorrupt, match=r"export.jsonl:\d+: .*; nothing was imported$") as caught:
        archive.import_(path)
    assert archive.sessions() == []
    return str(caught.value)


def rows(archive: SQLiteArchive) -> dict[str, int]:
    """How many rows each table has."""
    connection = archive._connections.get()
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    return {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for (name,) in names}


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


# -- refusing ------------------------------------------------------------------------------------------------


def test_places_that_cannot_be_read_are_told(archive: Archive, tmp_path: Path):
    for place in (tmp_path, tmp_path / "missing"):
        with pytest.raises(ArchiveUnavailable, match="check that the file is there and readable"):
            archive.import_(place)


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"dear diary", b"\xff\xfe\0", b"[1]\n", b'{"format":"other","version":1}\n', b"[" * 100_000],
)
def test_another_file_is_refused(archive: Archive, path: Path, content: bytes):
    assert "export.jsonl:1: this is no export of an archive" in refusal(archive, path, content)


def test_a_later_format_is_refused(archive: Archive, path: Path):
    path.write_text('{"format": "context-compaction", "version": 2, "more": []}\nwhatever')
    with pytest.raises(ArchiveTooNew, match=r"format version 2.*install a newer release"):
        archive.import_(path)


def test_a_file_that_ends_early_is_refused(archive: Archive, path: Path, small: bytes):
    """After every line, and in the middle of each."""
    at = 0
    for number, line in enumerate(small.splitlines(keepends=True), 1):
        for end in {at + len(line) // 2, at + len(line) - 1, at + len(line)} - {len(small)}:
            told = refusal(archive, path, small[:end])
            assert f":{number}: " in told
        at += len(line)


def test_any_changed_byte_is_refused(archive: Archive, path: Path, small: bytes):
    for at in range(0, len(small), len(small) // 300):
        for bit in (1, 0x20):
            path.write_bytes(small[:at] + bytes([small[at] ^ bit]) + small[at + 1 :])
            with pytest.raises((ArchiveCorrupt, ArchiveTooNew)):
                archive.import_(path)
    assert archive.sessions() == []


def test_what_follows_the_end_is_refused(archive: Archive, path: Path, small: bytes):
    for more in (b"\n", b"{}\n", small):
        refusal(archive, path, small + more)


@pytest.mark.slow
def test_odd_values_are_refused_or_harmless(path: Path, small: bytes):
    """In any field of any record: never another error, and never an archive that cannot be read."""
    met: dict[str, int] = {}
    for number, record in enumerate(records(small)):
        if met.setdefault(record["type"], number) != number:
            continue
        for field in FIELDS[record["type"]]:
            for value in ODD:
                tried = records(small)
                tried[number][field] = value
                path.write_bytes(sealed(tried))
                with open_archive(":memory:") as archive:
                    taken = takes(archive, path, number + 2)
                    # A lone surrogate is a character that a summary or a pin may hold.
                    odd = value in (True, 2**63, 2**70) or (value == "\ud800" and field != "text")
                    assert not taken or not odd, (
                        record["type"],
                        field,
                        value,
                    )
    assert set(met) == set(FIELDS)


def takes(archive: Archive, path: Path, line: int) -> bool:
    """Whether the file is taken. If not, the error names this line, or a later one that tells it."""
    try:
        archive.import_(path)
    except ArchiveCorrupt as error:
        assert int(str(error).removeprefix(f"{path}:").partition(":")[0]) >= line, error  # noqa: PT017
        assert archive.sessions() == []
        return False
    everything(archive)
    return True


@pytest.mark.slow
def test_missing_and_unknown_fields_are_refused(archive: Archive, path: Path, small: bytes):
    for number, record in enumerate(records(small)):
        for field in record:
            tried = records(small)
            del tried[number][field]
            assert f":{number + 2}: " in refusal(archive, path, sealed(tried))
        tried = records(small)
        tried[number]["more"] = 1
        assert f":{number + 2}: " in refusal(archive, path, sealed(tried))


def test_records_that_do_not_fit_together_are_refused(archive: Archive, path: Path, small: bytes):
    """Each left out, and each put in twice, as far as others depend on it or it stands alone."""
    content = records(small)
    for number, record in enumerate(content):
        if record["type"] in ("session", "branch", "message", "blob"):
            refusal(archive, path, sealed(content[:number] + content[number + 1 :]))
        if record["type"] not in ("blob", "compaction"):
            refusal(archive, path, sealed([*content[: number + 1], *content[number:]]))
    refusal(archive, path, sealed([{"type": "other"}, *content]))
    refusal(archive, path, sealed([*content[2:], *content[:2]]))


def change(kind: str, **values: Any) -> Callable[[Records], None]:
    def edit(content: Records) -> None:
        next(record for record in content if record["type"] == kind).update(values)

    return edit


def other_words(content: Records) -> None:
    message = next(record for record in content if record["type"] == "message")
    message["payload"] = message["payload"].replace("apple", "grape")


def forked_elsewhere(content: Records) -> None:
    content[[record["type"] for record in content].index("branch", 3)]["fork_at"] = 2


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (other_words, r"m:1 or the message before it is not what its hash says"),
        (change("message", hash="0" * 64), r"m:1 or the message before it is not what its hash says"),
        (change("message", payload=None), r"m:1 is neither a message nor a tombstone"),
        (change("message", payload="[1]"), r"a stored message cannot be read back"),
        (change("message", payload='{"format": []}'), r"a stored message cannot be read back"),
        (change("message", message_id="\\x41"), r"a message with an impossible message_id"),
        (change("branch", tip="0" * 64), r"the log ends at m:4, and is said to end otherwise"),
        (change("branch", last_seq=9), r"the log ends at m:4, and is said to end otherwise at m:9"),
        (change("blob", data="aGVsbG8="), r"the media are not what their hash says"),
        (change("session", active=2), r"a session goes on with a branch of another one"),
        (change("session", active=3), r"there is no branch 3"),
        (forked_elsewhere, r"the branch forks at m:2 of a log that does not have it"),
    ],
)
def test_content_that_contradicts_itself_is_refused(
    archive: Archive, path: Path, small: bytes, edit: Callable[[Records], None], told: str
):
    content = records(small)
    edit(content)
    assert told in refusal(archive, path, sealed(content))


def test_nothing_is_left_of_what_was_refused(tmp_path: Path, path: Path, small: bytes):
    """No row in any table, of a file that is refused at its last record."""
    with SQLiteArchive(tmp_path / "archive.db") as archive:
        Writer.of(archive, "other").say("apple")
        before = rows(archive)
        path.write_bytes(sealed([*records(small), {"type": "other"}]))
        with pytest.raises(ArchiveCorrupt):
            archive.import_(path)
        assert rows(archive) == before
        path.write_bytes(small)
        archive.import_(path)
        assert rows(archive)["messages"] == before["messages"] + 5


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
