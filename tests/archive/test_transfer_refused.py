"""What is refused of an export: whatever anybody may have written, and nothing of it is left."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from context_compaction.archive import Archive, Fork, SQLiteArchive, open_archive
from context_compaction.archive.transfer_records import FIELDS
from context_compaction.errors import ArchiveCorrupt, ArchiveTooNew, ArchiveUnavailable
from context_compaction.messages import MediaBlock, Message
from context_compaction.testing.archive_rows import PICTURE, Writer, commit, summary
from context_compaction.testing.archive_transfer import everything, folder
from context_compaction.view import Pin, View
from tests.archive.exports import Records, records, sealed

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
