"""Every statement below a session fails once: the session goes on, and is what the archive holds."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import suppress

import pytest

from context_compaction import Policy, Session, SQLiteArchive
from context_compaction.errors import ArchiveError
from context_compaction.policy import layered
from context_compaction.testing.faults import Fault, FaultPoints
from tests.archive.states import first_and_last
from tests.session.talks import dicts, filling, session, turns
from tests.windows import assistant, user

Work = Callable[[Session], object]
POLICY = Policy(pre_turn=layered(0.85), post_turn=layered(0.85))


def soft(s: Session) -> None:
    s.append(filling(900))


def hard(s: Session) -> None:
    s.append(filling(1500))


def compacted(s: Session) -> None:
    hard(s)
    s.context()
    s.append([assistant("ok"), *turns(80, 3, words=60)])


def append(s: Session) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "tool", "arguments": "{}"}}
    said = [user("one"), {"role": "assistant", "content": None, "tool_calls": [call]}]
    s.append([*said, {"role": "tool", "tool_call_id": "c", "content": "result"}, assistant("two")])


def append_with_ids(s: Session) -> None:
    s.append([{**user("one"), "id": "i1"}, {**assistant("two"), "id": "i2"}])


def unpin(s: Session) -> None:
    s.unpin("m:2")


CASES: dict[str, tuple[Work, Work]] = {
    "append": (soft, append),
    "append with ids": (soft, append_with_ids),
    "context, soft": (soft, Session.context),
    "context, hard": (hard, Session.context),
    "context, again": (compacted, Session.context),
    "after_turn": (soft, lambda s: s.after_turn({"input_tokens": 900, "output_tokens": 5})),
    "compact": (soft, Session.compact),
    "pin": (soft, lambda s: s.pin("m:3")),
    "unpin": (lambda s: (soft(s), s.pin("m:3")), lambda s: s.unpin("m:3")),
    "unpin what is pinned by rule": (lambda s: s.append([user("one"), assistant("two")]), unpin),
}


def faults(statements: list[str], *, every: bool) -> list[Fault]:
    """Every statement fails, and every COMMIT seems to; or all there is to fail: after it ran, and reads."""
    code = sqlite3.SQLITE_FULL
    told = [(at, statements[at - 1].split()[0]) for at in first_and_last(statements)]
    writing = [at for at, verb in told if verb != "SELECT"]
    commits = [at for at, verb in told if verb == "COMMIT"]
    if every:
        return [Fault(at, how, code) for at, _ in told for how in ("instead", "after")]
    return [*(Fault(at, "instead", code) for at in writing), *(Fault(at, "after", code) for at in commits)]


def statements_of(prepare: Work, work: Work) -> list[str]:
    """What an operation runs when nothing fails."""
    with FaultPoints() as points, SQLiteArchive() as archive:
        s = anew(archive)
        prepare(s)
        points.arm()
        work(s)
        return points.statements


def tried(archive: SQLiteArchive, points: FaultPoints, prepare: Work, work: Work, fault: Fault) -> Session:
    """A session whose operation met a fault; the next ones meet none."""
    s = anew(archive)
    prepare(s)
    points.arm(fault)
    with suppress(ArchiveError):
        work(s)
    assert points.happened
    points.arm()
    return s


def anew(archive: SQLiteArchive) -> Session:
    return session(archive, policy=POLICY, is_pinned=lambda message: message.text == "two")


def same(s: Session, archive: SQLiteArchive) -> None:
    """As a model and a reader see them, the session and one that is opened now are one."""
    context = s.context()
    fresh = anew(archive)
    assert dicts(context) == dicts(fresh.context())
    assert s.history() == fresh.history()
    assert s.view == fresh.view


@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["", "all"])
@pytest.mark.parametrize("case", CASES)
def test_a_session_is_what_its_archive_holds(case: str, every: bool):
    """After the failure, and after going on and a compaction."""
    prepare, work = CASES[case]
    for fault in faults(statements_of(prepare, work), every=every):
        with FaultPoints() as points, SQLiteArchive() as archive:
            s = tried(archive, points, prepare, work, fault)
            same(s, archive)
            s.append(turns(60, 2))
            s.compact()
            same(s, archive)
            assert s.pins == anew(archive).pins


def test_a_message_is_not_there_without_its_pin():
    """What ``is_pinned`` says is stored with the messages, or neither is."""
    for fault in faults(statements_of(soft, append), every=False):
        with FaultPoints() as points, SQLiteArchive() as archive:
            s = tried(archive, points, soft, append, fault)
            s.append(turns(60, 2))
            s.compact()
            said = [message.text for message in s.history()]
            assert ("two" in said) == ("two" in [pin.text for pin in s.pins]), fault


def test_an_unpinned_message_is_not_pinned_by_a_fault():
    """That it was let go of is kept with its being let go of: opened again, it is not pinned anew."""
    prepare, work = CASES["unpin what is pinned by rule"]
    outcomes: set[int] = set()
    for fault in faults(statements_of(prepare, work), every=True):
        with FaultPoints() as points, SQLiteArchive() as archive:
            s = tried(archive, points, prepare, work, fault)
            left = archive.open_session("default", "default").pins
            assert s.pins == left or not left, fault
            assert anew(archive).pins == left, fault
            outcomes.add(len(left))
    assert outcomes == {0, 1}


def test_what_another_writer_said_is_pinned_at_once_or_later():
    """Whoever follows pins by a rule that the writer had not; what fails is done at the next call."""
    said = [user("one"), *(assistant("two") for _ in range(3))]

    def follow(archive: SQLiteArchive, points: FaultPoints, fault: Fault | None) -> tuple[Session, list[str]]:
        s, writer = anew(archive), session(archive)
        writer.append(said)
        points.arm(fault)
        with suppress(ArchiveError):
            s.context()
        statements = points.statements
        points.arm()
        return s, statements

    with FaultPoints() as points, SQLiteArchive() as archive:
        _, statements = follow(archive, points, None)
    assert statements.count("BEGIN IMMEDIATE") == 1
    for fault in faults(statements, every=True):
        with FaultPoints() as points, SQLiteArchive() as archive:
            s, _ = follow(archive, points, fault)
            assert len(archive.open_session("default", "default").pins) in (0, 3), fault
            assert dicts(s.context()) == said, fault
            assert [pin.ref for pin in s.pins] == ["m:2", "m:3", "m:4"], fault
            assert s.pins == archive.open_session("default", "default").pins, fault
