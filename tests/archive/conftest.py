"""Fixtures for tests of archives."""

from __future__ import annotations

from pathlib import Path

import pytest

from context_compaction.archive.sqlite import opening


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Of a file that is not there yet."""
    return tmp_path / "archive.db"


@pytest.fixture
def unsynced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where power does not fail, thousands of transactions are faster without the disk."""
    settings = [setting for setting in opening.SETTINGS if "synchronous" not in setting]
    monkeypatch.setattr(opening, "SETTINGS", ("PRAGMA synchronous = OFF", *settings))
