"""Processes, threads and an event loop on the same sessions of one archive: nothing is lost or doubled."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from context_compaction import Archive, open_archive
from context_compaction.view import Edited, Gap, Kept
from tests.session import contender

ROOT = Path(__file__).parents[2]
PATIENCE = 120
"""Seconds for everybody to come to an end: they deadlocked if they do not."""
MODES = {"p0": "threads", "p1": "threads", "p2": "threads", "p3": "threads", "loop": "loop"}


@pytest.fixture(params=["file", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where the archive is that all of them share."""
    if request.param == "file":
        return str(tmp_path / "shared.db")
    return request.getfixturevalue("postgres_schema")


@pytest.mark.parametrize("seconds", [4, pytest.param(30, marks=pytest.mark.slow)])
def test_every_acknowledged_message_is_there_once_and_in_order(
    seconds: int, place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    open_archive(place).close()
    with _contenders(place, tmp_path, 10) as start:
        for name, mode in MODES.items():
            start(name, mode)
        _begin(start.children, tmp_path)
        time.sleep(seconds)
        reports = _end(start.children, tmp_path)
    _check(place, tmp_path, 10)
    with capsys.disabled():
        print(f"\n{_told(reports, seconds)}")


@pytest.mark.parametrize(
    ("processes", "sessions", "seconds"), [(3, 4, 3), pytest.param(8, 20, 60, marks=pytest.mark.slow)]
)
def test_what_killed_workers_acknowledged_is_there(
    processes: int, sessions: int, seconds: int, postgres_schema: str, tmp_path: Path
):
    """Workers of a fleet are killed at random, and others take their places: nobody else is disturbed."""
    chance, killed = random.Random(seconds), 0
    open_archive(postgres_schema).close()
    with _contenders(postgres_schema, tmp_path, sessions) as start:
        for number in range(processes):
            start(f"w{number}", "threads")
        _begin(start.children, tmp_path)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(chance.uniform(0.2, 1.0))
            name = chance.choice(list(start.children))
            child = start.children.pop(name)
            child.kill()
            child.communicate()
            killed += 1
            start(f"k{killed}", "threads")
            _say(start.children[f"k{killed}"])  # to begin once it is ready
        _end(start.children, tmp_path)
    assert killed >= 2
    _check(postgres_schema, tmp_path, sessions)


class _Contenders:
    """Processes by name, each with what it says in a file."""

    def __init__(self, place: str, folder: Path, sessions: int) -> None:
        self.children: dict[str, subprocess.Popen[str]] = {}
        self._place, self._folder, self._sessions = place, folder, sessions

    def __call__(self, name: str, mode: str) -> None:
        """Start one."""
        module = contender.__name__
        command = [sys.executable, "-m", module, self._place, name, mode, str(self._sessions)]
        with (self._folder / f"{name}.out").open("w") as log:
            self.children[name] = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.PIPE, stdout=log, text=True
            )


@contextmanager
def _contenders(place: str, folder: Path, sessions: int) -> Iterator[_Contenders]:
    start = _Contenders(place, folder, sessions)
    try:
        yield start
    finally:
        for child in start.children.values():
            child.kill()
            child.communicate()


def _begin(children: dict[str, subprocess.Popen[str]], folder: Path) -> None:
    _wait_until(lambda: all("ready" in _said(folder, name) for name in children))
    for child in children.values():
        _say(child)


def _end(children: dict[str, subprocess.Popen[str]], folder: Path) -> list[dict[str, Any]]:
    """Let all come to their end; what they report."""
    for child in children.values():
        _say(child)
    for name, child in children.items():
        assert child.wait(PATIENCE) == 0, f"{name} failed"
    reports = [json.loads(_said(folder, name).splitlines()[-1]) for name in children]
    assert [report["raised"] for report in reports] == [[]] * len(children), "a writer was given an error"
    return reports


def _check(place: str, folder: Path, sessions: int) -> None:
    stored = _stored(folder)
    with open_archive(place) as archive:
        for session_id in contender.names(sessions):
            branch = archive.open_session("default", session_id).branch
            _check_log(archive, branch, stored[session_id])
            _check_views(archive, branch)
        assert archive.verify() == []


def _said(folder: Path, name: str) -> str:
    return (folder / f"{name}.out").read_text()


def _say(child: subprocess.Popen[str]) -> None:
    assert child.stdin is not None
    child.stdin.write("\n")
    child.stdin.flush()


def _wait_until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < end, "the processes did not start"
        time.sleep(0.05)


def _stored(folder: Path) -> dict[str, dict[str, list[int]]]:
    """By session and writer: the numbers of the messages that were acknowledged."""
    found: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for said in folder.glob("*.out"):
        for line in said.read_text().splitlines(keepends=True):
            if line.startswith("stored ") and line.endswith("\n"):
                _, session_id, text = line.split(" ", 2)
                writer, number, *_ = text.strip().strip("'").split()
                found[session_id][writer].append(int(number))
    return found


def _check_log(archive: Archive, branch: int, stored: dict[str, list[int]]) -> None:
    rows = archive.messages(branch)
    assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
    there: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        writer, number, *_ = row.message.text.split()
        there[writer].append(int(number))
    assert set(stored) <= set(there)
    for writer, numbers in there.items():
        assert numbers == sorted(set(numbers)), f"{writer}: twice, or out of order"
        missing = set(stored[writer]) - set(numbers)
        assert not missing, f"{writer}: acknowledged and not there: {sorted(missing)[:5]}"


def _check_views(archive: Archive, branch: int) -> None:
    """Versions without a hole, and no summary that no committed version knows: losers leave no trace."""
    committed = [event.version for event in archive.events(branch) if event.committed]
    newest = archive.tip(branch).version
    assert committed == list(range(1, newest + 1))
    summaries, known = archive.summaries(branch), set[int]()
    for version in range(1, newest + 1):
        view = archive.view(branch, version)
        named = [entry.seq for entry in view.head if isinstance(entry, (Kept, Edited))]
        for entry in view.head:
            if isinstance(entry, Gap):
                named += range(entry.first, entry.last + 1)
        for number in view.summaries:
            named += summaries[number].seqs
            known |= {number, *summaries[number].sources}
        assert sorted(named) == list(range(1, view.head_end + 1))
    assert set(summaries) <= known | {max(known, default=0)}


def _told(reports: list[dict[str, float]], seconds: int) -> str:
    total = {name: sum(report.get(name, 0) for report in reports) for name in ("appends", "messages")}
    lost, compactions = (sum(r.get(name, 0) for r in reports) for name in ("lost races", "compactions"))
    return (
        f"{len(MODES)} processes, {total['appends'] / seconds:.0f} appends/s "
        f"({total['messages'] / seconds:.0f} messages/s), {compactions / seconds:.0f} compactions/s, "
        f"{lost / max(1, total['appends']):.2f} lost races an append, "
        f"slowest append {max(report['slowest append'] for report in reports):.2f} s"
    )
