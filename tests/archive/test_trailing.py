"""The search index takes documents a batch at a time; no search can tell."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from context_compaction.archive import Archive, SearchPool, SQLiteArchive, Upto
from context_compaction.archive.over_sessions import Within
from context_compaction.archive.sqlite import trailing
from context_compaction.testing.archive_rows import Writer
from tests.recall.test_crossing import NAMESPACES, SHARED, Step, steps

TERMS = ("apple", "fig", "quiet", "3x1", "nowhere")


@contextmanager
def batches_of(size: int) -> Iterator[None]:
    with patch.object(trailing, "BATCH", size):
        yield


def pools(archive: Archive, limit: int) -> list[SearchPool]:
    """What every search of the archive finds, whole, of a range, as of earlier, and over sessions."""
    found: list[SearchPool] = []
    for namespace, name in archive.sessions():
        branch = archive.open_session(namespace, name).branch
        found.append(archive.search(branch, TERMS, limit))
        found.append(archive.search(branch, TERMS, limit, ranges=[(2, 4), (7, 8)]))
        found.append(archive.search(branch, TERMS, limit, upto=Upto(5, 0)))
    for namespace in NAMESPACES:
        moment = archive.moment(namespace)
        earlier = moment._replace(document=moment.document // 2)
        found.append(archive.search_sessions(namespace, TERMS, limit))
        found.append(archive.search_sessions(namespace, TERMS, limit, within=Within(moment=earlier)))
    return found


@given(steps, st.integers(2, 40), st.sampled_from((3, 300)))
@example([*SHARED, Step("forget", "n", 0, 1), Step("say", "n", 0, 3)], 4, 300)
@example([*SHARED, Step("forget", "other", 0, 1), Step("say", "other", 0, 6)], 7, 3)
@example([*SHARED, Step("prune", "n", 0, 1), Step("say", "n", 0, 6)], 40, 300)
@settings(max_examples=60, deadline=None)
def test_what_trails_is_found_as_if_it_did_not(taken: list[Step], size: int, limit: int) -> None:
    with SQLiteArchive(":memory:") as archive, SQLiteArchive(":memory:") as at_once:
        for number, step in enumerate(taken):
            with batches_of(size):
                step.take(archive, number)
            with batches_of(1):
                step.take(at_once, number)
        assert pools(archive, limit) == pools(at_once, limit)
        assert archive.verify() == at_once.verify() == []


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """40 messages, of which the index has 32."""
    place = tmp_path / "archive.db"
    with SQLiteArchive(place) as archive:
        writer = Writer.of(archive)
        for number in range(40):
            writer.say(f"apple {number}")
    assert indexed_to(place) == 32
    return place


def indexed_to(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(trailing.READ_INDEXED_TO).fetchone()[0]


def test_many_that_are_written_together_are_indexed_together(path: Path) -> None:
    with SQLiteArchive(path) as archive:
        Writer.of(archive, "other").say(*(f"fig {number}" for number in range(30)))
    assert indexed_to(path) == 70


def test_a_long_one_is_indexed_at_once_with_those_before_it(path: Path) -> None:
    with SQLiteArchive(path) as archive:
        writer = Writer.of(archive, "other")
        writer.say(" ".join(f"fig{number}" for number in range(1000)))
        assert indexed_to(path) == 32
        writer.say(" ".join(f"fig{number}" for number in range(2000)))
        assert indexed_to(path) == 42


@pytest.mark.parametrize("end", [0, 31, 33, 40])
def test_an_index_that_ends_elsewhere_than_it_says_is_found(path: Path, end: int) -> None:
    with SQLiteArchive(path) as archive:
        assert archive.verify() == []
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(trailing.GO_ON, (end,))
    with SQLiteArchive(path) as archive:
        assert "search index" in archive.verify()[0].detail


def test_nothing_of_what_is_forgotten_is_left_whether_it_was_indexed_or_not(path: Path) -> None:
    with SQLiteArchive(path) as archive:
        Writer.of(archive, "other").say("fig")
        archive.forget("s")
        branch = archive.open_session("default", "other").branch
        assert archive.search(branch, ("apple",)).documents == []
        assert len(archive.search(branch, ("fig",)).documents) == 1
        assert archive.verify() == []
    assert b"apple" not in path.read_bytes()
