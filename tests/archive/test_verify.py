"""What `verify` finds when somebody changes the file behind the archive's back."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from context_compaction.archive import SQLiteArchive
from context_compaction.errors import ArchiveUnavailable
from context_compaction.testing.archive_rows import Writer, commit, summary

SWAP_PAYLOADS = (
    "CREATE TEMP TABLE before AS SELECT seq, payload FROM messages WHERE seq IN (5, 6)",
    """
    UPDATE messages SET payload = (SELECT payload FROM before WHERE before.seq = 11 - messages.seq)
    WHERE seq IN (5, 6)
    """,
)
SWAP_ROWS = (
    "UPDATE messages SET seq = 100 WHERE seq = 5",
    "UPDATE messages SET seq = 5 WHERE seq = 6",
    "UPDATE messages SET seq = 6 WHERE seq = 100",
)
TAMPERINGS = {
    "changed text": (
        ("UPDATE messages SET payload = replace(payload, 'message 5', 'message X')",),
        "changed",
        "m:5",
    ),
    "changed hash": (("UPDATE messages SET hash = x'00' WHERE seq = 5",), "changed", "m:5"),
    "changed digest": (("UPDATE messages SET digest = x'00' WHERE seq = 5",), "changed", "m:5"),
    "removed": (("DELETE FROM messages WHERE seq = 5",), "missing", "m:5"),
    "end removed": (("DELETE FROM messages WHERE seq > 8",), "missing", "m:9-m:10"),
    "emptied": (("UPDATE messages SET payload = NULL WHERE seq = 5",), "missing", "m:5"),
    "texts swapped": (SWAP_PAYLOADS, "reordered", "m:5"),
    "rows swapped": (SWAP_ROWS, "reordered", "m:5"),
    "removed and renumbered": (
        (
            "DELETE FROM messages WHERE seq = 5",
            *(f"UPDATE messages SET seq = {n - 1} WHERE seq = {n}" for n in range(6, 11)),
        ),
        "missing",
        "m:5",
    ),
    "summary's range": (("UPDATE summary_ranges SET last = 99",), "damaged", "s:1"),
    "index entry": (("DELETE FROM documents WHERE seq = 5 AND summary = 0",), "damaged", None),
    "totals": (("UPDATE branches SET documents = 3 WHERE id = 1",), "damaged", None),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    place = tmp_path / "archive.db"
    with SQLiteArchive(place) as archive:
        writer = Writer.of(archive)
        writer.say(*(f"message {number}" for number in range(1, 11)))
        archive.commit(writer.branch, commit(0, summary(1, ranges=((3, 4),)), at_seq=6))
        Writer.of(archive, "other").say("untouched")
    return place


def tamper(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def test_an_archive_left_alone_is_fine(path: Path):
    with SQLiteArchive(path) as archive:
        assert archive.verify() == archive.verify("s") == archive.verify("other") == []


@pytest.mark.parametrize("name", TAMPERINGS)
def test_what_was_done_is_named(path: Path, name: str):
    statements, kind, ref = TAMPERINGS[name]
    tamper(path, *statements)
    with SQLiteArchive(path) as archive:
        found = archive.verify("s")
        assert any(p.kind == kind and (ref is None or p.ref == ref) for p in found), found
        assert {problem.session_id for problem in found} <= {"s", ""}
        assert archive.verify("other") == []
        assert archive.verify() != []


def test_one_changed_message_is_one_problem(path: Path):
    tamper(path, *TAMPERINGS["changed hash"][0])
    with SQLiteArchive(path) as archive:
        assert [problem.ref for problem in archive.verify("s")] == ["m:5"]


def test_a_backup_is_the_archive_and_holds_no_more(path: Path, tmp_path: Path):
    target = tmp_path / "copy.db"
    with SQLiteArchive(path) as archive:
        archive.backup(target)
        archive.backup(target)
        with SQLiteArchive(target) as copy:
            assert copy.verify() == []
            assert copy.sessions() == archive.sessions()
            state = archive.open_session("default", "s")
            assert copy.open_session("default", "s") == state
            assert copy.messages(state.branch) == archive.messages(state.branch)
        with pytest.raises(ArchiveUnavailable, match="the archive itself"):
            archive.backup(path)
        with pytest.raises(ArchiveUnavailable, match="does not exist"):
            archive.backup(tmp_path / "missing" / "copy.db")
    assert {found.name for found in tmp_path.iterdir()} == {"archive.db", "copy.db"}


def test_a_backup_of_memory_is_a_file(tmp_path: Path):
    with SQLiteArchive() as archive:
        Writer.of(archive).say("hello")
        archive.backup(tmp_path / "copy.db")
    with SQLiteArchive(tmp_path / "copy.db") as copy:
        assert [row.message.text for row in copy.messages(1)] == ["hello"]
