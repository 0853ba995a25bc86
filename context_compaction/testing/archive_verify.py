"""Contract checks of verifying and backing up: a whole archive has no problems, whatever it went through."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from context_compaction.archive import Archive, Fork, open_archive
from context_compaction.errors import UnknownSession
from context_compaction.messages import Message, TextBlock
from context_compaction.testing.archive_contract import Backend
from context_compaction.testing.archive_rows import Writer, commit, event, nasty_messages, summary
from context_compaction.view import Gap, Kept, Pin, Summary, View

SHARED = View(1, 6, (Kept(1), Kept(6), Summary(1), Gap(2, 2)))


def a_whole_archive_has_no_problems(backend: Backend) -> None:
    """Empty; with sessions that were only opened; with something of everything."""
    with backend.opened() as archive:
        assert archive.verify() == []
        archive.open_session("default", "empty")
        assert archive.verify("empty") == []
        fill_richly(archive)
        assert archive.verify() == []
        for namespace, session in archive.sessions():
            assert archive.verify(session, namespace) == []


def tombstones_are_no_problem(backend: Backend) -> None:
    """Nor is what is said behind them, nor a fork at one."""
    with backend.opened() as archive:
        fill_richly(archive)
        branch = archive.open_session("default", "s").branch
        assert archive.prune(max_age=0, uncovered=True).messages
        rows = archive.messages(branch)
        assert {row.pruned for row in rows} == {True, False}
        assert archive.verify() == []
        gone = next(row.seq for row in rows if row.pruned and row.seq > 1)
        archive.fork(branch, Fork(gone, View(), 0, {}, session_id="from a tombstone"))
        for session in ("s", "from a tombstone"):
            Writer.of(archive, session).say("and on")
            assert archive.verify(session) == []
        assert archive.verify() == []


def what_forgetting_leaves_is_whole(backend: Backend) -> None:
    """Branches that were given to the sessions forked from them, too."""
    with backend.opened() as archive:
        fill_richly(archive)
        archive.forget("s", forks="detach")
        assert archive.verify() == []
        assert archive.verify("child") == []
        with pytest.raises(UnknownSession, match=r"no session 's' in namespace 'default'"):
            archive.verify("s")


def an_unknown_session_is_told(backend: Backend) -> None:
    """By id and namespace."""
    with backend.opened() as archive:
        Writer.of(archive, "s", "n").say("hello")
        assert archive.verify("s", "n") == []
        for session, namespace in (("s", "default"), ("t", "n"), ("", "")):
            with pytest.raises(UnknownSession) as caught:
                archive.verify(session, namespace)
            assert (caught.value.session_id, caught.value.namespace) == (session, namespace)


def a_backup_is_the_same_archive(backend: Backend) -> None:
    """As of then: what is said later is not in it."""
    with backend.opened() as archive, TemporaryDirectory() as folder:
        fill_richly(archive)
        before = seen(archive)
        archive.backup(Path(folder) / "backup.db")
        Writer.of(archive).say("later")
        with open_archive(Path(folder) / "backup.db") as copy:
            assert copy.verify() == []
            assert seen(copy) == before
            Writer.of(copy).say("and on")
            assert copy.verify() == []


CHECKS = (
    a_whole_archive_has_no_problems,
    tombstones_are_no_problem,
    what_forgetting_leaves_is_whole,
    an_unknown_session_is_told,
    a_backup_is_the_same_archive,
)


def fill_richly(archive: Archive) -> None:
    """Session ``s`` with every kind of message, three branches, compactions and pins; and its relatives.

    ``child`` forked from it, and from that ``grandchild``; another of the same id in another namespace.
    """
    writer = Writer.of(archive)
    writer.append(*nasty_messages())
    archive.pin(writer.branch, Pin("m:3", "word for word \ud800"))
    plan = commit(0, summary(1, ranges=((3, 5),)), at_seq=6)
    archive.commit(writer.branch, replace(plan, view=SHARED))
    writer.say("apple", "pear")
    _new_prompt(archive, writer)
    newest = (Kept(writer.last_seq), Summary(2), Gap(8, writer.last_seq - 1))
    second = commit(1, summary(2, generation=1, ranges=((2, 7),), sources=(1,)))
    # Message 1 was replaced by the new system prompt: no entry names it.
    archive.commit(writer.branch, replace(second, view=View(2, writer.last_seq, newest)))
    writer.say("plum", "cherry")
    archive.note(writer.branch, {"armed": True}, event("nothing_to_do", at_seq=writer.last_seq))
    archive.fork(writer.branch, Fork(8, SHARED, 1, {"n": 1}, activate=False))
    own = archive.fork(writer.branch, Fork(9, replace(SHARED, version=1), 1, {}, activate=False))
    archive.activate(own)
    other = Writer(archive, own, 9)
    other.say("on the other branch", "and on")
    archive.activate(writer.branch)
    archive.fork(writer.branch, Fork(15, replace(SHARED, version=1), 1, {}, session_id="child"))
    child = Writer.of(archive, "child")
    child.append(Message("user", (TextBlock("kiwi"),), id="c1"))
    archive.commit(child.branch, commit(1, summary(2, ranges=((3, 4),)), at_seq=child.last_seq))
    archive.fork(child.branch, Fork(16, View(), 0, {}, session_id="grandchild"))
    archive.fork(child.branch, Fork(0, View(), 0, {}, session_id="nothing shared"))
    Writer.of(archive, "nothing shared").say("alone")
    Writer.of(archive, "s", "other \ud800").append(*nasty_messages()[:5])


def seen(archive: Archive) -> list[object]:
    """All that an archive shows of each of its branches."""
    return [
        (
            place,
            branch,
            archive.state(branch.id),
            archive.messages(branch.id),
            archive.summaries(branch.id),
            archive.events(branch.id),
            archive.search(branch.id, ["appl", "kiwi", "lone"]),
        )
        for place in archive.sessions()
        for branch in archive.branches(archive.open_session(*place).branch)
    ]


def _new_prompt(archive: Archive, writer: Writer) -> None:
    batch = writer.batch([Message("system", (TextBlock("Be kinder."),))])
    archive.append(writer.branch, replace(batch, rows=(replace(batch.rows[0], supersedes=1),)))
