"""A prune of much: some in each transaction, so that others write in between."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from context_compaction import Retention
from context_compaction.archive import Pruned, SQLiteArchive
from context_compaction.archive.sql import pruning
from context_compaction.archive.sql.database import Database
from context_compaction.testing.archive_prune import TEXTS, compacted, pruned
from context_compaction.testing.archive_rows import Writer
from context_compaction.view import Summary


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SQLiteArchive:
    monkeypatch.setattr(pruning, "AT_ONCE", 2)
    return SQLiteArchive(tmp_path / "archive.db")


def covered(archive: SQLiteArchive, session_id: str = "s") -> Writer:
    """A session that a summary covers."""
    writer = Writer.of(archive, session_id)
    writer.say(*TEXTS)
    compacted(writer, Summary(1), ranges=((1, len(TEXTS)),), head_end=len(TEXTS))
    return writer


def test_others_write_in_between(archive: SQLiteArchive, monkeypatch: pytest.MonkeyPatch):
    """And what went is counted once, whatever it went in."""
    with archive, SQLiteArchive(archive.path) as other:
        writers = [covered(archive, name) for name in ("s", "t")]
        meanwhile, begin = Writer.of(other, "other"), archive._alone

        def alone() -> AbstractContextManager[Database]:
            meanwhile.say("hello")
            return begin()

        monkeypatch.setattr(archive, "_alone", alone)
        found = archive.prune(max_age=0)
        assert (found.messages, found.sessions) == (2 * len(TEXTS), 2)
        assert [pruned(archive, writer.branch) for writer in writers] == [set(range(1, len(TEXTS) + 1))] * 2
        assert meanwhile.last_seq == len(TEXTS) + 1, "two at a time, and a look that finds nothing"
        assert archive.prune(max_age=0) == Pruned()
        assert archive.verify() == []


def test_a_retention_goes_on_to_the_end(archive: SQLiteArchive):
    """Of what is due, though the first step says to all that it was done."""
    archive.close()
    with SQLiteArchive(archive.path, Retention(max_age=0, every=1000)) as keeping:
        writer = covered(keeping)
        assert pruned(keeping, writer.branch) == set(), "the first append was before there was anything"
    with SQLiteArchive(archive.path) as plain:
        plain._connections.get().execute("DELETE FROM chores")
    with SQLiteArchive(archive.path, Retention(max_age=0, every=1000)) as keeping:
        Writer.of(keeping, "t").say("and on")
        assert pruned(keeping, writer.branch) == set(range(1, len(TEXTS) + 1))
