"""Progress bars: where somebody looks on and tqdm is there, and nowhere else."""

import io
import sys
from pathlib import Path

import pytest

from context_compaction import Budget, Session, open_archive, with_progress


class Terminal(io.StringIO):
    """Standard error on a terminal."""

    def isatty(self) -> bool:
        return True


def terminal_of(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Standard error from here on. No fixture: pytest puts its own in place before the test itself."""
    made = Terminal()
    monkeypatch.setattr(sys, "stderr", made)
    monkeypatch.setattr(sys.modules["context_compaction.progress"], "PATIENCE", 0)
    return made


def test_on_a_terminal_there_is_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = terminal_of(monkeypatch)
    assert list(with_progress(iter(range(3)), "embedding", total=3)) == [0, 1, 2]
    assert "embedding" in terminal.getvalue()
    assert "/3" in terminal.getvalue()


def test_without_a_terminal_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    log = io.StringIO()
    monkeypatch.setattr(sys, "stderr", log)
    items = [1, 2]
    assert with_progress(items, "embedding") is items
    assert log.getvalue() == ""


def test_without_tqdm_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = terminal_of(monkeypatch)
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    assert list(with_progress([1, 2], "embedding")) == [1, 2]
    assert terminal.getvalue() == ""


def test_what_is_quick_gets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = terminal_of(monkeypatch)
    monkeypatch.setattr(sys.modules["context_compaction.progress"], "PATIENCE", 60)
    assert list(with_progress(range(3), "embedding")) == [0, 1, 2]
    assert "embedding" not in terminal.getvalue()


def test_an_import_tells_how_far_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of as many records as the file has."""
    terminal = terminal_of(monkeypatch)
    with Session(tmp_path / "a.db", "s", budget=Budget(context_window=1000)) as session:
        session.append([{"role": "user", "content": "hello"}])
        session.archive.export(tmp_path / "all.jsonl")
    records = len((tmp_path / "all.jsonl").read_text().splitlines()) - 2
    with open_archive(":memory:") as archive:
        assert archive.import_(tmp_path / "all.jsonl") == 1
    assert "importing" in terminal.getvalue()
    assert f"/{records} " in terminal.getvalue()
