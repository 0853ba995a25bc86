"""Processes, threads and an event loop on the same ten sessions of one file: nothing is lost or doubled."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

from context_compaction import SQLiteArchive
from context_compaction.view import Edited, Gap, Kept
from tests.session import contender

ROOT = Path(__file__).parents[2]
PATIENCE = 120
"""Seconds for everybody to come to an end: they deadlocked if they do not."""
MODES = {"p0": "threads", "p1": "threads", "p2": "threads", "p3": "threads", "loop": "loop"}


@pytest.mark.parametrize("seconds", [4, pytest.param(30, marks=pytest.mark.slow)])
def test_every_acknowledged_message_is_there_once_and_in_order(
    seconds: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    path = tmp_path / "shared.db"
    SQLiteArchive(path).close()
    outputs = _contend(path, seconds)
    reports = [json.loads(lines[-1]) for lines in outputs.values()]
    assert [report["raised"] for report in reports] == [[]] * len(MODES), "a writer was given an error"
    stored = _stored(outputs)
    with SQLiteArchive(path) as archive:
        for session_id in contender.SESSIONS:
            branch = archive.open_session("default", session_id).branch
            _check_log(archive, branch, stored[session_id])
            _check_views(archive, branch)
        assert archive.verify() == []
    with capsys.disabled():
        print(f"\n{_told(reports, seconds)}")


def _contend(path: Path, seconds: int) -> dict[str, list[str]]:
    """What each process said, line by line."""
    children: dict[str, subprocess.Popen[str]] = {}
    try:
        for name, mode in MODES.items():
            command = [sys.executable, "-m", contender.__name__, str(path), name, mode]
            with (path.parent / f"{name}.out").open("w") as log:
                children[name] = subprocess.Popen(
                    command, cwd=ROOT, stdin=subprocess.PIPE, stdout=log, text=True
                )
        _wait_until(lambda: all("ready" in _said(path, name) for name in MODES))
        for child in children.values():
            _say(child)
        time.sleep(seconds)
        for child in children.values():
            _say(child)
        for name, child in children.items():
            assert child.wait(PATIENCE) == 0, f"{name} failed"
    finally:
        for child in children.values():
            child.kill()
            child.communicate()
    return {name: _said(path, name).splitlines()[1:] for name in MODES}


def _said(path: Path, name: str) -> str:
    return (path.parent / f"{name}.out").read_text()


def _say(child: subprocess.Popen[str]) -> None:
    assert child.stdin is not None
    child.stdin.write("\n")
    child.stdin.flush()


def _wait_until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < end, "the processes did not start"
        time.sleep(0.05)


def _stored(outputs: dict[str, list[str]]) -> dict[str, dict[str, list[int]]]:
    """By session and writer: the numbers of the messages that were acknowledged."""
    found: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for lines in outputs.values():
        for line in lines[:-1]:
            _, session_id, text = line.split(" ", 2)
            writer, number, *_ = text.strip("'").split()
            found[session_id][writer].append(int(number))
    return found


def _check_log(archive: SQLiteArchive, branch: int, stored: dict[str, list[int]]) -> None:
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


def _check_views(archive: SQLiteArchive, branch: int) -> None:
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
