"""Vectors in SQLite: exact search over what is in memory, and bytes that are gone from the file."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from context_compaction.archive import Near, SQLiteArchive, VectorModel
from context_compaction.archive.quantized import quantized
from context_compaction.archive.sql import matrices
from context_compaction.archive.sql.spans import spans_of
from context_compaction.testing.archive_rows import Writer
from context_compaction.text.embedding import cosine
from tests.archive.states import state_of

pytestmark = pytest.mark.usefixtures("unsynced")
MODEL = VectorModel("random", 32)


def vectors(count: int, seed: int = 0) -> list[list[float]]:
    source = random.Random(seed)
    return [[source.gauss(0, 1) for _ in range(MODEL.dimension)] for _ in range(count)]


def filled(archive: SQLiteArchive, made: list[list[float]], session: str = "s") -> Writer:
    writer = Writer.of(archive, session)
    first = writer.last_seq + 1
    writer.say(*(f"text {number}" for number in range(len(made))))
    archive.add_vectors(writer.branch, MODEL, {f"m:{seq}": vector for seq, vector in enumerate(made, first)})
    return writer


def by_hand(made: list[list[float]], asked: list[float], limit: int) -> list[int]:
    return sorted(range(1, len(made) + 1), key=lambda seq: -cosine(made[seq - 1], asked))[:limit]


def near_to(near: list[Near]) -> list[int]:
    return [one.seq for one in near]


def test_a_byte_a_dimension_is_near_enough():
    for vector in (*vectors(50), [0.0] * 31 + [1e-30], [1.0] * 32):
        scale, data = quantized(vector)
        stored = [(byte - 256 if byte > 127 else byte) * scale for byte in data]
        assert cosine(stored, vector) > 0.9995
        assert sum(value * value for value in stored) == pytest.approx(1.0, abs=0.02)
    assert quantized([0.0] * 4) == (0.0, bytes(4))


def test_it_is_exact_as_the_log_grows_and_when_it_is_opened_again(tmp_path: Path):
    """Against cosines computed one by one; of what was added meanwhile too, and whatever the chunks."""
    made, asked = vectors(120), vectors(1, seed=9)[0]
    expected = by_hand(made, asked, 10)
    with SQLiteArchive(tmp_path / "archive.db") as archive, pytest.MonkeyPatch.context() as patch:
        patch.setattr(matrices, "_CHUNK", 7)
        branch = filled(archive, made[:50]).branch
        assert near_to(archive.nearest(branch, MODEL, asked, 10))[:3] == by_hand(made[:50], asked, 3)
        filled(archive, made[50:])
        assert near_to(archive.nearest(branch, MODEL, asked, 10)) == expected
    with SQLiteArchive(tmp_path / "archive.db") as archive:
        assert near_to(archive.nearest(branch, MODEL, asked, 10)) == expected
        assert archive.verify() == []


def test_what_is_in_memory_is_read_once_and_bounded(tmp_path: Path):
    """A second search reads only what is new; matrices of other logs go when there are too many."""
    made = vectors(40)
    with SQLiteArchive(tmp_path / "archive.db") as archive:
        writers = [filled(archive, made, session) for session in "abc"]
        with archive._connections.reading() as connection:
            known = matrices.Matrices(most_bytes=2 * 40 * MODEL.dimension)
            read: list[str] = []
            connection.set_trace_callback(read.append)
            for writer in writers:
                spans = spans_of(connection, writer.branch)
                asked = matrices.Asked(MODEL, made[0], 5, ())
                first = known.nearest(connection, spans, asked)
                assert known.nearest(connection, spans, asked) == first
            connection.set_trace_callback(None)
            assert [branch for branch, _ in known._known] == [writer.branch for writer in writers[1:]]
            after = [line.split("vectors.id > ")[1].split()[0] for line in read if "vectors.id >" in line]
            assert after == ["0", "40", "0", "80", "0", "120"]


def test_forgotten_vectors_are_gone_from_the_file(tmp_path: Path):
    """Their bytes too, in file and write-ahead log; those of another session stay."""
    path = tmp_path / "archive.db"
    mine, theirs = vectors(30), vectors(30, seed=1)
    with SQLiteArchive(path) as archive:
        filled(archive, mine)
        filled(archive, theirs, "kept")
        archive.forget("s")
        bytes_left = b"".join(file.read_bytes() for file in tmp_path.iterdir())
        assert not any(quantized(vector)[1] in bytes_left for vector in mine)
        assert all(quantized(vector)[1] in bytes_left for vector in theirs)
        assert archive._matrices._known == {}
    assert len(state_of(path)["vectors"]) == 30


def cut(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE vectors SET data = substr(data, 2) WHERE id = 2")


def scaled(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE vectors SET scale = 7 WHERE id = 2")


def of_no_model(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE vectors SET model = 99 WHERE id = 2")


def of_another(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE vectors SET branch = 2 WHERE id = 2")


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (cut, "s m:2: damaged: its vector is damaged"),
        (scaled, "s m:2: damaged: its vector is damaged"),
        (of_no_model, "s m:2: damaged: its vector is damaged"),
        (of_another, "kept: damaged: 1 of its vectors are of no message or summary of its log"),
    ],
)
def test_verify_finds_what_is_wrong_with_them(
    tmp_path: Path, harm: Callable[[sqlite3.Connection], None], said: str
):
    path = tmp_path / "archive.db"
    with SQLiteArchive(path) as archive:
        filled(archive, vectors(3))
        filled(archive, vectors(3), "kept")
    with closing(sqlite3.connect(path)) as connection:
        harm(connection)
        connection.commit()
    with SQLiteArchive(path) as archive:
        assert f"default/{said}" in [str(problem) for problem in archive.verify()]
        branch = archive.open_session("default", "s").branch
        assert near_to(archive.nearest(branch, MODEL, vectors(1)[0]))[0] == 1, "the others are found"


def test_a_backup_has_them(tmp_path: Path):
    with SQLiteArchive(tmp_path / "archive.db") as archive:
        branch = filled(archive, vectors(5)).branch
        archive.backup(tmp_path / "copy.db")
        asked = vectors(1)[0]
        expected = archive.nearest(branch, MODEL, asked)
    with SQLiteArchive(tmp_path / "copy.db") as copy:
        assert copy.nearest(branch, MODEL, asked) == expected != []
