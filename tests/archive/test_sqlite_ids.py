"""Messages are found by their ids in the ids' own index, however long the log is."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from context_compaction import open_archive
from context_compaction.archive.sql.log import FIND_IDS


def test_ids_are_not_looked_for_in_the_whole_log(tmp_path: Path):
    path = tmp_path / "chat.db"
    open_archive(path).close()
    connection = sqlite3.connect(path)
    try:
        plan = connection.execute(f"EXPLAIN QUERY PLAN {FIND_IDS}", (1, '["a"]', 10_000)).fetchall()
    finally:
        connection.close()
    assert any("messages_by_id (branch=? AND message_id=?)" in step[-1] for step in plan)
