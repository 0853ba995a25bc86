"""Archives as sessions leave them: talk, tools, compactions, pins and forks in any order."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager, suppress

from hypothesis import strategies as st

from context_compaction import CannotCompact, Session, UnknownReference
from context_compaction.archive import SQLiteArchive
from context_compaction.view import View
from tests.histories import turns
from tests.session.talks import session

WINDOW = 600
KINDS = ("talk", "talk", "talk", "compact", "context", "pin", "unpin", "fork", "branch")


@contextmanager
def grown_archive(data: st.DataObject) -> Generator[tuple[SQLiteArchive, sqlite3.Connection]]:
    """A memory archive with some sessions, forked from each other, and its connection."""
    with SQLiteArchive() as archive:
        sessions = [opened(archive, "s1"), opened(archive, "s2")]
        for kind in data.draw(st.lists(st.sampled_from(KINDS), min_size=4, max_size=24), label="steps"):
            one = data.draw(st.sampled_from(sessions), label="session")
            fork = step(data, one, kind, f"s{len(sessions) + 1}")
            if fork is not None:
                sessions.append(fork)
        for one in sessions:
            one.close()
        yield archive, archive._connections.get()


def opened(archive: SQLiteArchive, name: str) -> Session:
    """A session of such an archive."""
    return session(archive, session_id=name, window=WINDOW)


def step(data: st.DataObject, one: Session, kind: str, new: str) -> Session | None:
    """Do one thing with a session; a session forked from it if that was it."""
    last = len(one.history())
    if kind == "talk":
        one.append(data.draw(turns(), label="said"))
    elif kind == "compact":
        one.compact()
    elif kind == "context":
        with suppress(CannotCompact):
            one.context()
    elif last:
        at = data.draw(st.integers(1, last), label=kind)
        if kind == "pin":
            one.pin(f"m:{at}")
        elif kind == "unpin":
            with suppress(UnknownReference):
                one.unpin(f"m:{at}")
        elif kind == "branch":
            one.fork(at)
        else:
            return one.fork(at, session_id=new)
    return None


def branch_ids(connection: sqlite3.Connection) -> list[int]:
    """Every branch of the archive."""
    return [number for (number,) in connection.execute("SELECT id FROM branches ORDER BY id")]


def recounted(archive: SQLiteArchive, connection: sqlite3.Connection, branch: int) -> None:
    """The branch is whole: search totals equal a count, and its view names every number once."""
    state, rows = archive.state(branch), archive.outline(branch)
    assert [row.seq for row in rows] == list(range(1, state.last_seq + 1))
    spans = connection.execute(
        "SELECT ancestor, last_seq, last_summary FROM spans WHERE branch = ?", (branch,)
    )
    counted = [
        connection.execute(
            "SELECT count(*), coalesce(sum(length), 0) FROM documents "
            "WHERE branch = ? AND seq <= ? AND summary <= ?",
            span,
        ).fetchone()
        for span in spans.fetchall()
    ]
    kept = connection.execute("SELECT documents, terms FROM branches WHERE id = ?", (branch,)).fetchone()
    assert kept == tuple(map(sum, zip(*counted, strict=True)))
    summaries = archive.summaries(branch)
    replaced = set(state.superseding.values())
    for version in range(state.view.version + 1):
        view = archive.view(branch, version)
        if view != View(version=version):
            named = view.accounted(summaries)
            assert named | replaced >= set(range(1, view.head_end + 1)), (version, view)
            assert max(named) <= view.head_end
    gone = {row.seq for row in rows if row.pruned}
    shown = {entry.seq for entry in state.view.head if hasattr(entry, "seq")}  # pyright: ignore[reportAttributeAccessIssue]
    assert gone.isdisjoint(shown | set(range(state.view.head_end + 1, state.last_seq + 1)))
