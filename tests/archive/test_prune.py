"""Pruning: by age, by a Retention, on archives of any history, and what becomes of the file."""

from __future__ import annotations

import logging
import sqlite3
import time
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from context_compaction import CannotCompact, Retention, open_archive
from context_compaction.archive import Pruned, SQLiteArchive, StoredMessage
from context_compaction.archive.sql import families, pruning
from context_compaction.archive.sqlite import erasing, opening
from context_compaction.errors import ArchiveCorrupt, CompactionError
from context_compaction.messages import Message, TextBlock
from context_compaction.recall import recall
from context_compaction.testing.archive_prune import TEXTS, compacted, pruned
from context_compaction.testing.archive_rows import Writer
from context_compaction.view import Edited, Gap, Kept, Pin, Summary, View
from tests.archive.growing import branch_ids, grown_archive, opened, recounted
from tests.archive.states import check

DAY = 86_400.0


def aged(archive: SQLiteArchive, branch: int, *days: float) -> None:
    """Let the messages of a branch have been stored so many days ago, in log order."""
    with archive._connections.writing() as connection:
        for seq, past in enumerate(days, 1):
            connection.execute(
                "UPDATE messages SET stored_at = stored_at - ? WHERE branch = ? AND seq = ?",
                (past * DAY, branch, seq),
            )


def sizes(archive: SQLiteArchive, branch: int) -> list[int]:
    """What the messages of a branch are counted as, in bytes."""
    query = "SELECT size FROM messages WHERE branch = ? ORDER BY seq"
    return [size for (size,) in archive._connections.get().execute(query, (branch,))]


def covered(archive: SQLiteArchive, session: str = "s", last: int = 6) -> Writer:
    """A session whose first messages a summary covers."""
    writer = Writer.of(archive, session)
    writer.say(*TEXTS)
    compacted(writer, Summary(1), *map(Kept, range(last + 1, 7)), ranges=((1, last),), head_end=6)
    return writer


def test_age_is_that_of_storing():
    """The limit itself counts as old; the message's own timestamp does not."""
    with SQLiteArchive() as archive:
        writer = Writer.of(archive)
        writer.append(*(Message("user", (TextBlock(text),), timestamp=1.0) for text in TEXTS))
        compacted(writer, Summary(1), ranges=((1, 6),), head_end=6)
        aged(archive, writer.branch, 30, 20, 10.01, 9.99, 1, 0)
        assert archive.prune(max_age=timedelta(days=10)).messages == 3
        assert pruned(archive, writer.branch) == {1, 2, 3}
        assert archive.prune(max_age=9 * DAY).messages == 1


def test_a_group_is_as_old_as_its_newest_message():
    with SQLiteArchive() as archive:
        writer = covered(archive)
        with archive._connections.writing() as connection:
            connection.execute("UPDATE messages SET group_first = 1 WHERE seq = 4")
        aged(archive, writer.branch, 20, 20, 20, 5)
        archive.prune(max_age=10 * DAY)
        assert pruned(archive, writer.branch) == {2, 3}


def test_the_last_turn_goes_by_age_alone():
    with SQLiteArchive() as archive:
        writer = covered(archive)
        assert archive.prune(max_bytes=0, uncovered=True).messages == 5
        aged(archive, writer.branch, 20, 20, 20, 20, 20, 20)
        assert archive.prune(max_bytes=0, uncovered=True) == Pruned()
        assert archive.prune(max_age=10 * DAY, max_bytes=0).messages == 1


def test_both_limits_together():
    """What is too old goes, and then as much more as the size wants."""
    with SQLiteArchive() as archive:
        one, two = covered(archive, "one"), covered(archive, "two")
        aged(archive, one.branch, 20)
        aged(archive, two.branch, 20)
        (size,) = archive._connections.get().execute(pruning.TOTAL_BYTES).fetchone()
        going = [sizes(archive, one.branch)[:2], sizes(archive, two.branch)[:1]]
        rest = size - sum(map(sum, going))
        found = archive.prune(max_age=10 * DAY, max_bytes=rest)
        assert pruned(archive, one.branch) == {1, 2}
        assert pruned(archive, two.branch) == {1}
        assert found == Pruned(3, size - rest, 2)
        assert archive._connections.get().execute(pruning.TOTAL_BYTES).fetchone() == (rest,)


def test_no_text_is_left_in_any_row():
    """Of a message that is pruned, also where an old view showed it edited or pinned."""
    with SQLiteArchive() as archive:
        writer = Writer.of(archive)
        writer.say("xyzzy", *TEXTS)
        archive.pin(writer.branch, Pin("m:1", "xyzzy"))
        edited = Edited(1, (TextBlock("xyzz"),), "cleared", 3)
        compacted(writer, edited, Gap(2, 7), head_end=7, pins=(Pin("m:1", "xyzzy"),))
        archive.unpin(writer.branch, "m:1")
        compacted(writer, Summary(1), Gap(2, 7), ranges=((1, 1),), head_end=7, base=1)
        connection = archive._connections.get()
        assert "xyzz" in "\n".join(connection.iterdump())
        archive.prune(max_age=0)
        assert "xyzz" not in "\n".join(connection.iterdump())
        assert archive.view(writer.branch, 1) == View(1, 7, (Gap(1, 7),))


@given(st.data())
@settings(max_examples=60)
def test_what_is_needed_stays(data: st.DataObject):
    """Whatever was said, compacted, pinned and forked before, and however much goes in one transaction."""
    at_once = data.draw(st.sampled_from((1, 4, pruning.AT_ONCE)), label="at once")
    uncovered = data.draw(st.booleans(), label="uncovered")
    limits: dict[str, Any] = data.draw(
        st.sampled_from([{"max_age": 0}, {"max_bytes": 0}, {"max_bytes": 9000}]), label="limits"
    )
    with grown_archive(data) as (archive, connection):
        branches = branch_ids(connection)
        before = {branch: Standing(archive, branch) for branch in branches}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(pruning, "AT_ONCE", at_once)
            found = archive.prune(**limits, uncovered=uncovered)
        check(connection)
        assert archive.verify() == []
        for branch in branches:
            before[branch].holds(archive, uncovered=uncovered, turns="max_bytes" in limits)
            recounted(archive, connection, branch)
        gone = connection.execute("SELECT count(*) FROM messages WHERE pruned_at IS NOT NULL").fetchone()[0]
        assert found.messages == gone
        assert archive.prune(**limits, uncovered=uncovered) == Pruned(), "once is enough"
        for _, name in archive.sessions():
            goes_on(archive, name)


class Standing:
    """A branch before it is pruned, and what must hold of it afterwards."""

    def __init__(self, archive: SQLiteArchive, branch: int) -> None:
        self.branch = branch
        self.state = archive.state(branch)
        self.rows = archive.messages(branch)
        self.events = archive.events(branch)
        self.own = own_reports(archive, branch)
        summaries = archive.summaries(branch).values()
        view = self.state.view
        covered = {seq for summary in summaries for seq in summary.seqs}
        shown = {row.seq for row in self.rows if row.seq > view.head_end}
        shown |= {entry.seq for entry in view.head if not isinstance(entry, (Gap, Summary))}
        self.needed = {row.seq for row in self.rows if row.seq in shown or row.seq not in covered}
        self.always = {pin.seq for pin in (*self.state.pins, *view.pins)}
        self.always |= {row.seq for row in self.rows if row.message.is_system}
        users = [row.seq for row in self.rows if row.message.role == "user"]
        self.turn = set(range(users[-1] if users else self.state.last_seq, self.state.last_seq + 1))

    def holds(self, archive: SQLiteArchive, *, uncovered: bool, turns: bool) -> None:
        rows, state = archive.messages(self.branch), archive.state(self.branch)
        gone = {row.seq for row in rows if row.pruned}
        stays = self.always | (set() if uncovered else self.needed) | (self.turn if turns else set())
        assert gone.isdisjoint(stays)
        assert [kept_of(row) for row in rows] == [kept_of(row) for row in self.rows]
        assert [row for row in rows if not row.pruned] == [row for row in self.rows if row.seq not in gone]
        groups = {row.group for row in rows if row.pruned}
        assert all(row.pruned for row in rows if row.group in groups), "a group goes whole"
        if not uncovered:
            assert (state, archive.events(self.branch)) == (self.state, self.events)
        else:
            assert (
                state.view.version - self.state.view.version == own_reports(archive, self.branch) - self.own
            )
        words = {word for row in self.rows for word in row.message.text.split()[:3]}
        for hit in recall(archive, self.branch, " ".join(sorted(words)), 100):
            assert hit.message is None or int(hit.ref[2:]) not in gone
            assert gone.isdisjoint(int(ref[2:]) for ref in hit.neighbours)


def own_reports(archive: SQLiteArchive, branch: int) -> int:
    """Committed ones of the branch itself: those of its ancestors at the message of the fork show too."""
    query = "SELECT count(*) FROM compactions WHERE branch = ? AND committed"
    return archive._connections.get().execute(query, (branch,)).fetchone()[0]


def kept_of(row: StoredMessage) -> tuple[Any, ...]:
    return (row.seq, row.hash, row.tokens, row.group, row.kind, row.counter, row.supersedes)


def goes_on(archive: SQLiteArchive, name: str) -> None:
    """A session opens, answers, compacts and grows."""
    with opened(archive, name) as session:
        for _ in range(2):
            with suppress(CannotCompact):
                session.context()
            session.append({"role": "user", "content": "and on"})
            session.compact()
        assert session.history()[-1].text == "and on"


def test_only_sessions_with_something_old_are_looked_at():
    """Counted in steps of SQLite's machine, not in time."""
    steps: list[int] = []
    with SQLiteArchive() as archive:
        for size in (20, 200):
            for number in range(size):
                writer = covered(archive, f"young {size} {number}")
            writer = covered(archive, f"old {size}")
            aged(archive, writer.branch, 20, 20)
            connection, ticks = archive._connections.get(), [0]
            connection.set_progress_handler(lambda ticks=ticks: ticks.__setitem__(0, ticks[0] + 1) or 0, 10)
            assert archive.prune(max_age=10 * DAY).messages == 2
            connection.set_progress_handler(None, 0)
            steps.append(ticks[0])
    assert steps[1] < steps[0] * 1.5


def test_the_index_answers_what_is_asked_of_every_message():
    """How much there is, and what is oldest: without a look into the messages."""
    with SQLiteArchive() as archive:
        connection = archive._connections.get()
        for query, values in ((families.OLDEST, (1.0,)), (pruning.TOTAL_BYTES, ())):
            plan = connection.execute(f"EXPLAIN QUERY PLAN {query}", values).fetchall()
            assert "COVERING INDEX messages_by_age" in " ".join(str(row[-1]) for row in plan)


def test_much_free_space_is_given_back(path: Path):
    with SQLiteArchive(path) as archive:
        big = Writer.of(archive)
        big.say(*("x" * 200_000 for _ in range(20)))
        compacted(big, Summary(1), ranges=((1, 20),), head_end=20)
        archive.prune(max_age=0)
        assert path.stat().st_size < 1_000_000
        check(archive._connections.get())


def test_little_free_space_is_kept_for_what_comes(path: Path):
    with SQLiteArchive(path) as archive:
        writer = Writer.of(archive)
        writer.say(*("x" * 200_000 for _ in range(20)))
        compacted(writer, Summary(1), *map(Kept, range(2, 21)), ranges=((1, 1),), head_end=20)
        before = archive._connections.get().execute("PRAGMA page_count").fetchone()
        assert archive.prune(max_age=0).messages == 1
        assert archive._connections.get().execute("PRAGMA page_count").fetchone() == before


def test_that_the_file_cannot_be_made_smaller_is_logged(
    path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(opening, "BUSY_SECONDS", 0.05)
    with SQLiteArchive(path) as archive, closing(sqlite3.connect(path, isolation_level=None)) as other:
        writer = Writer.of(archive)
        writer.say(*("x" * 200_000 for _ in range(20)))
        compacted(writer, Summary(1), ranges=((1, 20),), head_end=20)
        pruning.prune(archive._connections.writing, 0, None, uncovered=False)
        other.execute("BEGIN IMMEDIATE")
        with caplog.at_level(logging.WARNING):
            erasing.shrink(archive._connections)
        assert "was not made smaller" in caplog.text


def test_retention_runs_at_appends_and_commits():
    with SQLiteArchive(retention=Retention(max_age=10 * DAY, every=0)) as archive:
        writer = covered(archive, last=5)
        aged(archive, writer.branch, 20, 20)
        assert pruned(archive, writer.branch) == set()
        writer.say("and on")
        assert pruned(archive, writer.branch) == {1, 2}
        aged(archive, writer.branch, 0, 0, 20)
        compacted(writer, Summary(2), ranges=((1, 6),), head_end=7, base=1)
        assert pruned(archive, writer.branch) == {1, 2, 3}
        archive.pin(writer.branch, Pin("m:6", "lemon"))


def test_retention_runs_once_in_its_time_whoever_runs_it(path: Path):
    """The last run is in the file: others do not run again until it is time, or a clock was put back."""
    with SQLiteArchive(path) as archive:
        branch = covered(archive).branch
    retention = Retention(max_age=10 * DAY, every=1000)
    left = iter(range(1, 6))

    def pruned_at_an_append() -> bool:
        """Whether another old message goes as somebody opens the archive and appends to it."""
        seq = next(left)
        with open_archive(path, retention) as archive:
            assert isinstance(archive, SQLiteArchive)
            aged(archive, branch, *(0,) * (seq - 1), 20)
            Writer.of(archive, f"other {seq}").say("hello")
            return seq in pruned(archive, branch)

    def last_ran(seconds_ago: float) -> None:
        with closing(sqlite3.connect(path)) as connection, connection:
            at = time.time() - seconds_ago
            connection.execute("UPDATE chores SET at = ? WHERE name = 'prune'", (at,))

    assert pruned_at_an_append()
    assert not pruned_at_an_append()
    last_ran(500)
    assert not pruned_at_an_append()
    last_ran(2000)
    assert pruned_at_an_append()
    last_ran(-5000)
    assert pruned_at_an_append()


def test_between_two_runs_nothing_is_asked(path: Path):
    """Not even whether it is time."""
    with SQLiteArchive(path, Retention(max_age=DAY)) as archive, SQLiteArchive() as plain:
        counts: list[int] = []
        for one in (archive, plain):
            writer = Writer.of(one)
            writer.say("first")
            statements = list[str]()
            one._connections.get().set_trace_callback(statements.append)
            writer.say("second")
            counts.append(len(statements))
        assert counts[0] == counts[1]


def test_that_retention_fails_is_logged_and_costs_nothing(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    with SQLiteArchive(retention=Retention(max_age=0, every=0)) as archive:
        writer = Writer.of(archive)
        with archive._connections.writing() as connection:
            connection.execute("ALTER TABLE summary_ranges RENAME TO hidden")
        with caplog.at_level(logging.WARNING):
            writer.say("secret words", "and more")
        assert [row.pruned for row in archive.messages(writer.branch)] == [False, False]
        assert "old messages were not pruned" in caplog.text
        assert "secret" not in caplog.text
        archive.pin(writer.branch, Pin("m:1", "goes on"))


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({}, "max_age"),
        ({"max_age": -1}, "max_age"),
        ({"max_bytes": -1}, "max_bytes"),
        ({"max_age": 1, "every": -1}, "every"),
        ({"max_age": 1, "every": float("nan")}, "every"),
    ],
)
def test_a_retention_that_means_nothing_is_refused(wrong: dict[str, Any], word: str):
    with pytest.raises(ValueError, match=word):
        Retention(**wrong)


def test_an_open_archive_takes_no_retention():
    with SQLiteArchive() as archive, pytest.raises(ValueError, match=r"where it is made"):
        open_archive(archive, Retention(max_age=1))


def test_a_retention_is_the_last_word_of_no_error(path: Path):
    """An append that is refused prunes nothing."""
    with SQLiteArchive(path, Retention(max_age=0, every=0)) as archive:
        writer, late = covered(archive), Writer.of(archive)
        count = pruned(archive, writer.branch)
        late.last_seq = 3
        with pytest.raises(CompactionError):
            late.say("too late")
        assert pruned(archive, writer.branch) == count


def test_damage_is_told_and_nothing_is_pruned():
    with SQLiteArchive() as archive:
        writer = covered(archive)
        with archive._connections.writing() as connection:
            connection.execute("UPDATE views SET entries = '[[\"?\"]]'")
        with pytest.raises(ArchiveCorrupt):
            archive.prune(max_age=0)
        assert pruned(archive, writer.branch) == set()
