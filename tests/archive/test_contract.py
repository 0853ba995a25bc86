"""The archive contract, by a file and by memory."""

from pathlib import Path

import pytest

from context_compaction.archive import SQLiteArchive, open_archive
from context_compaction.testing.archive_contract import Backend, Check, archive_checks, vector_checks


def name(check: Check) -> str:
    return check.__name__


@pytest.mark.parametrize("check", archive_checks() + vector_checks(), ids=name)
def test_file(check: Check, tmp_path: Path):
    check(Backend(lambda: SQLiteArchive(tmp_path / "archive.db")))


@pytest.mark.parametrize("check", archive_checks(durable=False) + vector_checks(), ids=name)
def test_memory(check: Check):
    check(Backend(lambda: open_archive(":memory:"), durable=False))
