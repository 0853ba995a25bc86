"""Fixtures for tests of archives."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from context_compaction import Archive, open_archive
from context_compaction.archive.sqlite import opening


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Of a file that is not there yet."""
    return tmp_path / "archive.db"


@pytest.fixture
def archive() -> Iterator[Archive]:
    """One in memory."""
    with open_archive(":memory:") as opened:
        yield opened


@pytest.fixture
def unsynced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where power does not fail, thousands of transactions are faster without the disk."""
    settings = [setting for setting in opening.SETTINGS if "synchronous" not in setting]
    monkeypatch.setattr(opening, "SETTINGS", ("PRAGMA synchronous = OFF", *settings))
