"""A process that does all that writes is killed at random: what it was told is stored is there, and whole."""

from __future__ import annotations

import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from context_compaction import CannotCompact, Message, SQLiteArchive, View
from context_compaction.view import Edited, Gap, Kept
from tests.archive import killer

pytestmark = pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX's")
ROOT = Path(__file__).parents[2]
SEEN: set[bytes] = set()
"""Words of the sessions that came and went."""
IMPATIENT = 0.2
"""Share of the children that are killed without waiting for their first message: while they open the file."""


@pytest.mark.parametrize("kills", [30, pytest.param(200, marks=pytest.mark.slow)])
def test_what_was_acknowledged_survives_any_kill(kills: int, tmp_path: Path):
    chance, path = random.Random(kills), tmp_path / "killed.db"
    acknowledged = version = 0
    for _ in range(kills):
        acknowledged = max(acknowledged, _killed(path, chance))
        if path.exists():
            version = _check(path, acknowledged, version)
    assert acknowledged > kills, "the children got nothing done"
    assert version > 1, "nothing was ever compacted"
    assert SEEN, "no other session ever came"
    _check_database(path)


def _killed(path: Path, chance: random.Random) -> int:
    """Run a child for a random time; the last number it acknowledged, 0 if none."""
    command, pipe = [sys.executable, "-m", killer.__name__, str(path)], subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True) as child:
        assert child.stdout is not None
        first = "" if chance.random() < IMPATIENT else child.stdout.readline()
        time.sleep(chance.uniform(0.0, 0.4))
        child.send_signal(signal.SIGKILL)
        out, error = child.communicate()
    assert child.returncode == -signal.SIGKILL, f"the child ended by itself: {error}"
    whole = (first + out).rpartition("\n")[0].split()
    return int(whole[-1]) if whole else 0


def _check(path: Path, acknowledged: int, seen: int) -> int:
    """Everything that must hold after a kill. ``seen``: versions up to it were looked at; the present one."""
    with SQLiteArchive(path) as archive:
        branch = archive.open_session("default", killer.SESSION).branch
        rows = archive.messages(branch)
        assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
        assert len(rows) >= acknowledged, "an acknowledged message is missing"
        for row in rows:
            assert row.pruned or row.message == Message.from_openai(killer.said(row.seq))
        with killer.open_session(archive) as session:
            for version in range(seen + 1, session.view.version + 1):
                _check_view(archive, branch, archive.view(branch, version), version)
            committed = [event for event in session.events if event.committed]
            assert [event.version for event in committed] == list(range(1, session.view.version + 1))
            _check_context(session)
            present = session.view.version
        assert archive.verify() == []
        _check_sides(archive)
    _check_backup(path)
    return present


def _check_view(archive: SQLiteArchive, branch: int, view: View, version: int) -> None:
    """The view is whole: it names each message up to its end once, and its summaries have their lineage."""
    assert view.version == version
    assert view.head, f"version {version} is empty"
    summaries = archive.summaries(branch)
    named: Counter[int] = Counter()
    for entry in view.head:
        if isinstance(entry, (Kept, Edited)):
            named[entry.seq] += 1
        elif isinstance(entry, Gap):
            named.update(range(entry.first, entry.last + 1))
        else:
            named.update(summaries[entry.id].seqs)
    assert named == Counter(range(1, view.head_end + 1))
    for number in view.summaries:
        record = summaries[number]
        assert record.text
        assert record.ranges
        assert all(source in summaries for source in record.sources)
        assert bool(record.sources) == (record.generation > 0)


def _check_context(session: killer.Session) -> None:
    try:
        context = session.context()
    except CannotCompact:
        return
    budget = session._state.settings.budget
    assert session._state.settings.counter.messages(context) <= budget.input_tokens


def _check_sides(archive: SQLiteArchive) -> None:
    """What was being forgotten is whole, or gone with all its branches and every byte."""
    there = [name for _, name in archive.sessions() if name != killer.SESSION]
    for name in there:
        word = name.removeprefix("side-")
        branches = archive.branches(archive.open_session("default", name).branch)
        first = [row for row in archive.messages(branches[0].id) if not row.pruned]
        assert [row.message.text for row in first] in ([], [f"{word} {n}" for n in range(4)])
    place = Path(archive.path)
    known = {name.removeprefix("side-").encode() for name in there}
    content = _bytes(place) + _bytes(place.with_name(f"{place.name}-wal"))
    SEEN.update(known)
    for word in SEEN - known:
        assert word not in content, "words of a forgotten session are in the file"
    # A commit that was killed half way leaves frames in the log which no reader takes for data. They may name
    # a session that never came to be, so what was never seen is looked for in the database alone.
    with sqlite3.connect(place) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    names = set(re.findall(rb"side-([0-9a-f]{64})", _bytes(place)))
    assert names <= known, "a forgotten session's name is there"


def _bytes(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def _check_backup(path: Path) -> None:
    """It is the one before or the one after, never a part of one."""
    backup = path.with_name(f"{path.name}.backup")
    if backup.exists():
        with SQLiteArchive(backup) as archive:
            assert archive.verify() == []


def _check_database(path: Path) -> None:
    """SQLite's own opinion of the file and of the search index."""
    connection = sqlite3.connect(path)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        connection.execute("INSERT INTO search_index (search_index) VALUES ('integrity-check')")
    finally:
        connection.close()
