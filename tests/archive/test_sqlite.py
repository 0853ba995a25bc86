"""What only the SQLite archive does: media once, logs through ancestors, constant cost."""

import gc
import os
import sqlite3
import threading
import warnings
from pathlib import Path

import pytest

from context_compaction.archive import Fork, SQLiteArchive
from context_compaction.errors import ArchiveCorrupt, ArchiveUnavailable
from context_compaction.messages import MediaBlock, Message, TextBlock
from context_compaction.recall import recall
from context_compaction.testing.archive_rows import PICTURE, Writer, nasty_messages
from context_compaction.view import View


def query(path: Path, sql: str, *values: object) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        return connection.execute(sql, values).fetchall()
    finally:
        connection.close()


def test_media_are_stored_once_and_decoded(path: Path):
    with SQLiteArchive(path) as archive:
        for session in ("a", "b"):
            Writer.of(archive, session).append(*nasty_messages())
        stored = query(path, "SELECT encoding, length(data) FROM blobs ORDER BY encoding")
        assert stored == [("base64", 10_240), ("text", 3_300)]
        assert not query(path, "SELECT 1 FROM messages WHERE instr(payload, ?)", PICTURE[:200])


def test_missing_media_are_told(path: Path):
    with SQLiteArchive(path) as archive:
        writer = Writer.of(archive)
        writer.append(Message("user", (MediaBlock("image", data=PICTURE),)))
        query(path, "PRAGMA foreign_keys = OFF")
        query(path, "DELETE FROM blobs")
        with pytest.raises(ArchiveCorrupt, match="m:1: its media"):
            archive.messages(writer.branch)


def test_a_stored_text_that_is_no_message_is_told(path: Path):
    with SQLiteArchive(path) as archive:
        writer = Writer.of(archive)
        writer.say("hello")
        query(path, "UPDATE messages SET payload = '[1]'")
        with pytest.raises(ArchiveCorrupt, match="cannot be read back"):
            archive.messages(writer.branch)


def test_a_branch_reads_its_ancestors_up_to_the_fork(path: Path):
    """Log, ids, search and numbering work through a fork."""
    with SQLiteArchive(path) as archive:
        parent = Writer.of(archive)
        parent.append(*(Message("user", (TextBlock(f"apple {n}"),), id=f"i{n}") for n in range(1, 5)))
        parent.append(Message("user", (TextBlock("pear of the parent"),)))
        child = archive.fork(parent.branch, Fork(at=2, view=View(), last_summary=0, state={}))
        state = archive.open_session("default", "s")
        assert (state.branch, state.last_seq) == (child, 2)
        writer = Writer.of(archive)
        writer.append(Message("user", (TextBlock("plum"),), id="i3"), Message("user", (TextBlock("apple"),)))
        texts = [row.message.text for row in archive.messages(child)]
        assert texts == ["apple 1", "apple 2", "plum", "apple"]
        assert [row.message.text for row in archive.messages(child, [(2, 3)])] == ["apple 2", "plum"]
        found = archive.find_ids(child, ["i1", "i3", "i4"])
        assert {name: seq for name, (seq, _) in found.items()} == {"i1": 1, "i3": 3}
        assert recall(archive, child, "pear") == []
        assert {hit.ref for hit in recall(archive, child, "apple")} == {"m:1", "m:2", "m:3", "m:4"}
        pool = archive.search(child, ["appl"])
        assert (pool.total, dict(pool.frequencies), pool.mean_length) == (4, {"appl": 3}, 6 / 4)
        assert [row.message.text for row in archive.messages(parent.branch)][2:4] == ["apple 3", "apple 4"]


def test_a_forked_process_leaves_the_connections_of_its_parent_alone(path: Path):
    with SQLiteArchive(path) as archive:
        before = archive._connections.get()
        child = os.fork()
        if child == 0:
            os._exit(archive._connections.get() is before)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert archive._connections.get() is before


def test_opening_does_not_depend_on_the_length_of_the_log():
    """Counted in steps of SQLite's machine, not in time."""
    steps: list[int] = []
    with SQLiteArchive() as archive:
        writer = Writer.of(archive)
        for _ in range(2):
            writer.say(*(f"message {number}" for number in range(2000)))
            steps.append(machine_steps(archive))
    assert steps[1] < steps[0] * 1.2


def machine_steps(archive: SQLiteArchive) -> int:
    connection, ticks = archive._connections.get(), [0]

    def tick() -> int:
        ticks[0] += 1
        return 0

    connection.set_progress_handler(tick, 1)
    archive.open_session("default", "s")
    connection.set_progress_handler(None, 0)
    return ticks[0]


COUNT = """
WITH RECURSIVE n(x) AS (SELECT held() UNION ALL SELECT x + 1 FROM n WHERE x < 400000) SELECT count(*) FROM n
"""


@pytest.mark.parametrize("in_memory", [True, False])
def test_an_archive_in_a_cycle_is_closed_by_the_collector_without_a_word(path: Path, in_memory: bool):
    """Python warns of a connection left open from 3.13 on."""
    cycle: list[object] = [SQLiteArchive() if in_memory else SQLiteArchive(path)]
    cycle.append(cycle)
    gc.collect()  # what earlier tests left
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        del cycle
        gc.collect()
    assert [str(warning.message) for warning in told] == []


def test_closed_in_the_middle_of_another_threads_statement(path: Path):
    """It is closed behind it: under it, the interpreter would crash."""
    archive, begun, closing = SQLiteArchive(path), threading.Event(), threading.Event()
    counted: list[int] = []

    def held() -> int:
        begun.set()
        closing.wait(10)
        return 1

    def read() -> None:
        with archive._connections.reading() as connection:
            connection.create_function("held", 0, held)
            counted.append(connection.execute(COUNT).fetchone()[0])
            counted.append(connection.execute("SELECT 2").fetchone()[0])

    reader = threading.Thread(target=read)
    reader.start()
    begun.wait(10)
    closing.set()
    archive.close()
    assert counted == [400_000, 2], "close comes back when the transaction is over"
    reader.join()
    with pytest.raises(ArchiveUnavailable, match="closed"):
        archive.sessions()
