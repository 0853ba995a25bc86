"""Another writer is a little faster: what is redone, what is let be, and when `StaleView` is raised."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Any

import pytest

from context_compaction import Policy, Session, SQLiteArchive
from context_compaction.archive import Commit
from context_compaction.errors import StaleView
from context_compaction.policy import layered
from context_compaction.session import race
from context_compaction.testing.archive_rows import Writer, event
from context_compaction.testing.drafters import ScriptedDrafter
from tests.session.lists import said
from tests.session.talks import dicts, filling, session, size
from tests.session.waiting import background_done
from tests.windows import assistant, user

ALWAYS = 10**6
BEHIND = Policy(post_turn=layered(fidelity_floor=0.0))


@pytest.fixture
def archive() -> Generator[SQLiteArchive]:
    with SQLiteArchive() as made:
        yield made


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five losses are enough."""
    monkeypatch.setattr(race, "PATIENCE", 0.0)


class Rival:
    """Comes right before a write of the session under test, so many times."""

    def __init__(self, archive: SQLiteArchive, monkeypatch: pytest.MonkeyPatch) -> None:
        self.archive = archive
        self.wins = 0
        self.left: list[str] = []
        """All rows as they were when it was done."""
        self._patch = monkeypatch

    def says(self, times: int) -> None:
        """Appends before an append."""
        self._before("append", times, lambda: Writer.of(self.archive).say("theirs"))

    def compacts(self, times: int) -> None:
        """Puts a version in place before a commit."""
        self._before("commit", times, self._commit)

    def _commit(self) -> None:
        state = self.archive.open_session("default", "s")
        view = replace(state.view, version=state.view.version + 1)
        report = event(at_seq=state.last_seq, version=view.version, committed=True)
        self.archive.commit(state.branch, Commit(state.view.version, view, (), report, state.state))

    def _before(self, name: str, times: int, act: Callable[[], object]) -> None:
        real, inside = getattr(self.archive, name), False

        def late(*given: Any) -> Any:
            nonlocal inside
            if not inside and self.wins < times:
                inside, self.wins = True, self.wins + 1
                act()
                inside, self.left = False, dump(self.archive)
            return real(*given)

        self._patch.setattr(self.archive, name, late)


@pytest.fixture
def rival(archive: SQLiteArchive, monkeypatch: pytest.MonkeyPatch) -> Rival:
    return Rival(archive, monkeypatch)


def opened(archive: SQLiteArchive, messages: list[dict[str, Any]], **options: Any) -> Session:
    s = session(archive, session_id="s", **options)
    s.append(messages)
    return s


def dump(archive: SQLiteArchive) -> list[str]:
    """Every row of every table."""
    return list(archive._connections.get().iterdump())


MINE = [user("one"), assistant("two")]


@pytest.mark.parametrize("operation", ["append", "sync"])
def test_an_append_is_redone(operation: str, archive: SQLiteArchive, rival: Rival) -> None:
    """Behind what the others said, whole and once; a list that lacks that goes on as a branch without it."""
    s = opened(archive, [user("zero")])
    rival.says(4)
    if operation == "append":
        s.append(MINE)
        assert said(s) == [user("zero"), *[user("theirs")] * 4, *MINE]
    else:
        s.sync([user("zero"), *MINE])
        assert said(s) == [user("zero"), *MINE]
        assert said(s, s.branches()[0].id) == [user("zero"), *[user("theirs")] * rival.wins]
    assert rival.wins >= 2
    assert dicts(s.context()) == said(s)
    assert archive.verify() == []


def test_an_append_that_always_loses_is_told_and_stores_nothing(archive: SQLiteArchive, rival: Rival) -> None:
    s = opened(archive, [user("zero")])
    rival.says(ALWAYS)
    with pytest.raises(StaleView, match="read it again"):
        s.append(MINE)
    assert rival.wins == race.RETRIES
    assert said(s) == [user("zero"), *[user("theirs")] * race.RETRIES]
    rival.wins = ALWAYS
    s.append(MINE)
    assert said(s)[-2:] == MINE
    assert archive.verify() == []


def test_a_hard_context_that_always_loses_is_told(archive: SQLiteArchive, rival: Rival) -> None:
    """It would not fit without its compaction; the next one fits."""
    s = opened(archive, filling(1500))
    rival.compacts(ALWAYS)
    with pytest.raises(StaleView, match="plan again"):
        s.context()
    assert archive.summaries(s._current()) == {}
    assert s.view.summaries == ()
    rival.wins = ALWAYS
    assert size(s.context()) <= 1000
    assert said(s) == filling(1500)


def test_a_hard_context_that_loses_now_and_then_fits(archive: SQLiteArchive, rival: Rival) -> None:
    s = opened(archive, filling(1500))
    rival.compacts(3)
    assert size(s.context()) <= 1000
    assert [one.version for one in s.events if one.committed] == [1, 2, 3, 4]
    assert rival.wins == 3


def test_what_can_do_without_its_compaction_is_not_failed(archive: SQLiteArchive, rival: Rival) -> None:
    """A SOFT context shows what it has, and after a turn the event tells; nothing is left of either."""
    s = opened(archive, filling(900), policy=BEHIND)
    rival.compacts(ALWAYS)
    told = s.after_turn()
    assert told is not None
    assert (told.committed, told.reason) == (False, "another writer of the session was first")
    assert dicts(s.context()) == filling(900)
    soft = opened(archive, [], policy=Policy.layered())
    assert dicts(soft.context()) == filling(900)
    assert (archive.summaries(s._current()), s.view.summaries) == ({}, ())


def test_by_hand_it_is_told(archive: SQLiteArchive, rival: Rival) -> None:
    s = opened(archive, filling(900))
    rival.compacts(ALWAYS)
    with pytest.raises(StaleView):
        s.compact()
    assert rival.wins == race.RETRIES
    rival.wins = ALWAYS
    assert s.compact().committed


@pytest.mark.parametrize("call", [Session.drain, Session.context, Session.after_turn, Session.close])
def test_a_background_draft_that_loses_leaves_no_trace(
    call: Callable[[Session], object], archive: SQLiteArchive, rival: Rival
) -> None:
    """Not one row changes: no summary, view, report, note or index entry. The next one is made anew."""
    drafter = ScriptedDrafter("## Current State\n- a walrus")
    s = opened(archive, filling(900), policy=BEHIND, drafter=drafter, post_turn="background")
    s.after_turn()
    background_done(s)
    rival.compacts(1)
    call(s)
    assert rival.wins == 1
    assert dump(archive) == rival.left
    if call is not Session.close:
        s.after_turn()
        s.drain()
        assert [one.version for one in s.events if one.committed] == [1, 2]
        assert s.recall("walrus")[0].ref == "s:1"
