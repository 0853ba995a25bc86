"""A session that forks while others look on: drafts under way, other handles, processes, and event loops."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from context_compaction import Policy, Session, SQLiteArchive, open_archive
from context_compaction.policy import layered
from context_compaction.testing.drafters import HangingDrafter, ScriptedDrafter
from tests.session.lists import active, said
from tests.session.talks import dicts, filling, session, turns, wire
from tests.session.waiting import PATIENCE, background_done
from tests.windows import assistant, user

POINTS = "## Current State\n- drafted behind"
BEHIND = Policy(post_turn=layered(fidelity_floor=0.0))
TALK = filling(900)
OTHER_PROCESS = """
import sys
from tests.session.talks import session
with session(sys.argv[1], session_id="s") as s:
    s.fork(4)
    s.append({"role": "user", "content": "said by the other process"})
"""


def drafting(drafter: ScriptedDrafter, archive: SQLiteArchive) -> Session:
    """A session with a background draft under way or done."""
    s = session(archive, session_id="s", drafter=drafter, post_turn="background", policy=BEHIND)
    s.append(TALK)
    assert s.after_turn() is None
    if isinstance(drafter, HangingDrafter):
        assert drafter.entered.wait(PATIENCE)
    else:
        background_done(s)
    return s


def untouched(s: Session, branch: int) -> None:
    """No view, summary, report or index entry of a compaction is in this branch."""
    archive = s._archive
    assert archive.state(branch).view.version == 0
    assert (archive.events(branch), archive.summaries(branch)) == ([], {})
    assert archive.search(branch, ["draft", "behind"]).documents == []


# -- a draft under way ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("hangs", [False, True])
@pytest.mark.parametrize("leave", ["fork", "switch", "sync"])
def test_a_draft_is_dropped_and_leaves_no_trace(hangs: bool, leave: str) -> None:
    """Running or finished: it was made for a log that the session has left, and is told to stop."""
    drafter = HangingDrafter(POINTS) if hangs else ScriptedDrafter(POINTS)
    with SQLiteArchive() as archive:
        with session(archive, session_id="s") as before:
            before.append(user("first"))
            before.fork(0)
        s = drafting(drafter, archive)
        empty, first = s.branches()[0].id, active(s)
        if leave == "fork":
            s.fork(3)
        elif leave == "switch":
            s.switch(empty)
        else:
            assert s.sync([*TALK[:3], assistant("regenerated")]).kind == "forked"
        if isinstance(drafter, HangingDrafter):
            assert drafter.left.wait(PATIENCE)
        second = active(s)
        for _ in range(2):
            s.context()
            s.after_turn()
            s.drain()
        s.switch(first)
        assert dicts(s.context()) == TALK
        s.close()
        for branch in (empty, first, second):
            untouched(s, branch)


def test_a_draft_goes_on_when_the_fork_is_another_session() -> None:
    """It is of this session, which stayed where it was; the fork has nothing of it."""
    drafter = HangingDrafter(POINTS)
    with SQLiteArchive() as archive:
        s = drafting(drafter, archive)
        copy = s.fork(15, session_id="copy")
        copy.append(user("on"))
        drafter.release.set()
        s.drain()
        assert [event.outcome for event in s.events] == ["summarized"]
        assert "drafted behind" in s.context()[0].text
        assert dicts(copy.context()) == [*TALK, user("on")]
        assert (copy.view.version, archive.summaries(active(copy))) == (0, {})
        assert archive.search(active(copy), ["draft", "behind"]).documents == []


@pytest.mark.xfail(reason="reports are shared by the message they were made at, not by what there was then")
def test_a_fork_has_no_report_of_what_came_after_it() -> None:
    """Compacted here at the very message that another session was forked at before."""
    s = session(session_id="s")
    s.append(TALK)
    copy = s.fork(15, session_id="copy")
    assert s.compact().committed
    assert (copy.events, copy.stats.compactions, copy.stats.tokens_saved) == ([], 0, 0)


def test_a_draft_of_one_handle_is_dropped_when_another_forks() -> None:
    """Found out at its next call: the plan was for a branch that its session has left."""
    drafter = HangingDrafter(POINTS)
    with SQLiteArchive() as archive:
        s = drafting(drafter, archive)
        first = active(s)
        session(archive, session_id="s").fork(3)
        drafter.release.set()
        background_done(s)
        assert dicts(s.context()) == TALK[:3]
        s.drain()
        for branch in (first, active(s)):
            untouched(s, branch)
        assert dicts(s.history(first)) == TALK


# -- other handles and processes -----------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["context", "append", "after_turn", "pin", "history", "expand", "recall"])
def test_another_handle_follows(call: str, tmp_path: Path) -> None:
    """Whatever it is asked next, it answers for the branch that the session is on now."""
    path = tmp_path / "archive.db"
    with SQLiteArchive(path) as archive, SQLiteArchive(path) as elsewhere:
        talk = [*turns(1, 3, 6), user("zebra")]
        s, other = session(archive, session_id="s"), session(elsewhere, session_id="s")
        s.append(talk)
        assert wire(other.context()) == wire(s.context())
        s.fork(2)
        s.append(user("giraffe"))
        log = [*talk[:2], user("giraffe")]
        if call == "append":
            other.append(user("on"))
            log.append(user("on"))
        elif call == "pin":
            other.pin("m:3")
            assert [(pin.ref, pin.text) for pin in other.pins] == [("m:3", "giraffe")]
        elif call == "expand":
            assert other.expand("m:3")[0].text == "giraffe"
        elif call == "recall":
            assert [hit.ref for hit in other.recall("zebra")] == []
            assert other.recall("giraffe")[0].ref == "m:3"
        else:
            getattr(other, call)()
        assert said(other) == dicts(other.context()) == said(s) == dicts(s.context()) == log
        assert said(s, s.branches()[0].id) == talk


def test_another_process_forks(tmp_path: Path) -> None:
    """This one goes on behind what it said there; the first branch stays."""
    path = tmp_path / "archive.db"
    with session(path, session_id="s") as s:
        s.append(turns(1, 4, 6))
        s.context()
        command = [sys.executable, "-c", OTHER_PROCESS, str(path)]
        done = subprocess.run(
            command, cwd=Path(__file__).parents[2], check=False, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        s.append(assistant("heard"))
        log = [*turns(1, 4, 6)[:4], user("said by the other process"), assistant("heard")]
        assert said(s) == dicts(s.context()) == log
        assert said(s, s.branches()[0].id) == turns(1, 4, 6)


def test_two_handles_fork_at_the_same_place() -> None:
    """The second forks what the session is on by then; both branches are there."""
    with open_archive(":memory:") as archive:
        one, two = session(archive, session_id="s"), session(archive, session_id="s")
        one.append(turns(1, 3, 6))
        two.context()
        for number, s in enumerate((one, two)):
            s.fork(2)
            s.append(user(f"way {number}"))
        texts = [dicts(one.history(branch.id))[2:] for branch in one.branches()[1:]]
        assert texts == [[user("way 0")], [user("way 1")]]
        assert dicts(one.context()) == dicts(two.context()) == [*turns(1, 1, 6), user("way 1")]


# -- event loops ---------------------------------------------------------------------------------------------


async def test_tasks_go_on_in_the_branch() -> None:
    """Forked in a thread while tasks append: each acknowledged message is in one branch, in order."""
    with SQLiteArchive() as archive:
        s = session(archive, session_id="s")
        await s.aappend(user("start"))

        async def talk(name: str) -> list[str]:
            texts = [f"{name} {number}" for number in range(15)]
            for text in texts:
                await s.aappend(user(text))
                await s.acontext()
            return texts

        async def fork() -> list[str]:
            for _ in range(4):
                await asyncio.to_thread(s.fork, 1)
            return []

        told = await asyncio.gather(talk("one"), talk("two"), fork())
        assert len(s.branches()) == 5
        own = [[message.text for message in s.history(branch.id)[1:]] for branch in s.branches()]
        everything = [text for texts in own for text in texts]
        assert sorted(everything) == sorted(text for texts in told for text in texts)
        for texts in told:
            assert [text for text in everything if text in texts] == texts
        assert [message.text for message in await s.acontext()] == ["start", *own[-1]]
        assert archive.verify() == []


async def test_the_async_twins_are_of_the_branch() -> None:
    async with session(session_id="s") as s:
        await s.aappend([user("apple"), user("zebra"), user("pear")])
        first = active(s)
        s.fork(1)
        await s.aappend(user("giraffe"))
        assert [message.text for message in await s.acontext()] == ["apple", "giraffe"]
        assert await s.arecall("zebra") == []
        assert (await s.aexpand("m:2"))[0].text == "giraffe"
        assert (await s.async_([user("apple"), user("zebra"), user("pear")])).kind == "switched"
        assert (active(s), (await s.aexpand("m:2"))[0].text) == (first, "zebra")
