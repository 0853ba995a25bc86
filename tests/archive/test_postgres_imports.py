"""An import into an archive that others write to meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from context_compaction import open_archive
from context_compaction.archive.postgres import PostgresArchive
from context_compaction.archive.sql import branches
from context_compaction.errors import SessionExists
from context_compaction.testing.archive_life import in_threads
from context_compaction.testing.archive_rows import Writer

WAITING = """
SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()
"""


@pytest.fixture
def archive(postgres_schema: str) -> Iterator[PostgresArchive]:
    with PostgresArchive(postgres_schema) as opened:
        yield opened


def test_an_import_keeps_nobody_from_writing(archive: PostgresArchive):
    """Nor does a prune that waits for its end; who starts a session that is being imported gets that one."""
    first, found = Writer.of(archive, "a"), list[int]()
    with archive._connections.importing() as importing:
        imported = branches.start_session(importing, "default", "imported")
        pruning = threading.Thread(target=lambda: archive.prune(max_age=1e9))
        starting = threading.Thread(
            target=lambda: found.append(archive.open_session("default", "imported").branch)
        )
        for thread in (pruning, starting):
            thread.start()
        while _waiting(archive) < 2:
            pass
        first.say("meanwhile")
        Writer.of(archive, "a new one").say("too")
        assert pruning.is_alive()
        assert starting.is_alive()
    for thread in (pruning, starting):
        thread.join()
    assert found == [imported]
    assert archive.verify() == []


def test_an_import_and_a_writer_may_meet(archive: PostgresArchive, tmp_path: Path):
    """Of the same session: the one that comes second finds it there."""
    with open_archive() as file:
        for number in range(12):
            Writer.of(file, f"s{number}", f"n{number % 3}").say("apple", "pear")
        file.export(tmp_path / "export")
        names = file.sessions()

    def meet(number: int) -> None:
        if number == 0:
            with suppress(SessionExists):
                archive.import_(tmp_path / "export")
        else:
            for namespace, session_id in names:
                Writer.of(archive, session_id, namespace)

    assert in_threads(meet, threads=3) == []
    assert set(archive.sessions()) == set(names)
    assert archive.verify() == []


def _waiting(archive: PostgresArchive) -> int:
    with archive._connections.reading() as connection:
        return connection.execute(WAITING).fetchone()[0]
