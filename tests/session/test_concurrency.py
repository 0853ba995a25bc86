"""Threads, tasks and cancellation on one session: one operation at a time, none of them half done."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from context_compaction import CompactionEvent, Policy, Session
from context_compaction.drafting.base import Draft, DraftRequest
from context_compaction.events import CompactionObserver
from context_compaction.policy import layered
from context_compaction.testing.drafters import HangingDrafter, ScriptedDrafter
from tests.session.talks import INPUT, dicts, filling, session, size
from tests.session.waiting import PATIENCE, in_threads
from tests.windows import user

POINTS = "## Current State\n- drafted"
DRAFTING = Policy.layered(fidelity_floor=0.0)


class Alone(CompactionObserver):
    """Notes when two compactions of a session overlap."""

    def __init__(self) -> None:
        self.inside = 0
        self.most = 0

    def before_compaction(self, event: CompactionEvent) -> None:
        self.inside += 1
        self.most = max(self.most, self.inside)

    def after_compaction(self, event: CompactionEvent) -> None:
        if event.committed:
            self.inside -= 1


def test_four_threads_share_a_session() -> None:
    """Each message is stored once and in its thread's order, each context fits, compactions never overlap."""
    alone = Alone()
    s = session(observers=[alone])

    def talk(name: str) -> Callable[[], None]:
        def run() -> None:
            for number in range(15):
                s.append(user(f"{name} {number} " + "word " * 40))
                assert size(s.context()) <= INPUT
                s.after_turn()

        return run

    assert in_threads(*(talk(name) for name in "abcd")) == []
    texts = [message.text.split()[:2] for message in s.history()]
    for name in "abcd":
        assert [number for who, number in texts if who == name] == [str(number) for number in range(15)]
    assert len(texts) == 60
    assert alone.most == 1
    assert s.view.version == s.stats.compactions > 1


async def test_tasks_share_a_session() -> None:
    """The same on an event loop."""
    alone = Alone()
    s = session(observers=[alone])

    async def talk(name: str) -> None:
        for number in range(10):
            await s.aappend(user(f"{name} {number} " + "word " * 40))
            assert size(await s.acontext()) <= INPUT
            await s.aafter_turn()

    await asyncio.wait_for(asyncio.gather(*(talk(name) for name in "abcd")), PATIENCE)
    texts = [message.text.split()[:2] for message in s.history()]
    for name in "abcd":
        assert [number for who, number in texts if who == name] == [str(number) for number in range(10)]
    assert alone.most == 1
    assert s.view.version == s.stats.compactions > 1


def busy(drafter: HangingDrafter) -> tuple[Session, threading.Thread]:
    """A session that another thread has in use until the drafter is released."""
    s = session(drafter=drafter, policy=DRAFTING)
    s.append(filling(900))
    thread = threading.Thread(target=s.compact, daemon=True)
    thread.start()
    assert drafter.entered.wait(PATIENCE)
    return s, thread


async def test_waiting_for_a_thread_does_not_block_the_event_loop() -> None:
    """The loop runs on while a thread has the session, and the task gets its turn afterwards."""
    drafter = HangingDrafter(POINTS)
    s, thread = busy(drafter)
    waiting = asyncio.create_task(s.acontext())
    for _ in range(5):
        await asyncio.sleep(0)
    assert not waiting.done()
    drafter.release.set()
    shown = await asyncio.wait_for(waiting, PATIENCE)
    assert "drafted" in shown[0].text
    thread.join(PATIENCE)


async def test_a_task_that_is_cancelled_while_it_waits_leaves_nothing_behind() -> None:
    drafter = HangingDrafter(POINTS)
    s, thread = busy(drafter)
    waiting = asyncio.create_task(s.aappend(user("never said")))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    drafter.release.set()
    thread.join(PATIENCE)
    assert dicts(s.history()) == filling(900)
    await s.aappend(user("said"))
    assert len(s.history()) == len(filling(900)) + 1


@pytest.mark.parametrize("call", ["acontext", "acompact", "aafter_turn"])
async def test_cancelling_a_draft_raises_and_keeps_the_view(call: str) -> None:
    """The drafter is told, the log is whole, and the session works on."""
    drafter = HangingDrafter(POINTS)
    s = session(drafter=drafter, policy=DRAFTING)
    tokens = 1500 if call == "acontext" else 900
    await s.aappend(filling(tokens))
    task = asyncio.create_task(getattr(s, call)())
    assert await asyncio.to_thread(drafter.entered.wait, PATIENCE)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(drafter.left.wait, PATIENCE)
    assert drafter.last_cancel is not None
    assert drafter.last_cancel.is_set()
    assert (s.view.version, s.events) == (0, [])
    assert dicts(s.history()) == filling(tokens)
    drafter.release.set()
    assert size(await s.acontext()) <= INPUT
    assert s.compact() is not None


@pytest.mark.parametrize("times", [1, 3])
async def test_a_commit_that_began_finishes(times: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cancelled in the middle of it, once or often: the task ends after the commit, with the error."""
    s = session(policy=DRAFTING)
    await s.aappend(filling(900))
    began, go_on = threading.Event(), threading.Event()
    commit = s._archive.commit

    def slow(*arguments: Any) -> None:
        began.set()
        assert go_on.wait(PATIENCE)
        commit(*arguments)

    monkeypatch.setattr(s._archive, "commit", slow)
    task = asyncio.create_task(s.acompact())
    assert await asyncio.to_thread(began.wait, PATIENCE)
    for _ in range(times):
        task.cancel()
        for _ in range(3):
            await asyncio.sleep(0)
    assert not task.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert s.view.version == 1
    assert [event.committed for event in s.events] == [True]
    assert size(await s.acontext()) == s.events[0].tokens_after
    await s.aappend(user("and on"))
    assert s.history()[-1].text == "and on"


async def test_an_append_that_began_finishes_with_its_pins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stored and pinned, although the task was cancelled in between."""
    s = session(is_pinned=lambda message: "PIN" in message.text)
    began, go_on = threading.Event(), threading.Event()
    append = s._archive.append

    def slow(*arguments: Any) -> None:
        began.set()
        assert go_on.wait(PATIENCE)
        append(*arguments)

    monkeypatch.setattr(s._archive, "append", slow)
    task = asyncio.create_task(s.aappend(user("PIN this")))
    assert await asyncio.to_thread(began.wait, PATIENCE)
    task.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [message.text for message in s.context()] == ["PIN this"]
    assert [pin.ref for pin in s.pins] == ["m:1"]


class Interrupting(HangingDrafter):
    """Presses Ctrl-C while its session waits for it."""

    def draft(self, requests: Sequence[DraftRequest], *, cancel: threading.Event) -> Sequence[Draft | str]:
        # To the thread that waits: the kernel may give a process's signal to any.
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        return super().draft(requests, cancel=cancel)


def test_ctrl_c_cancels_the_draft_and_keeps_the_view() -> None:
    """It reaches the caller, and the session is not left locked."""
    # A shell that starts the tests in its background has Python ignore the signal.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    drafter = Interrupting(POINTS)
    s = session(drafter=drafter, policy=DRAFTING)
    s.append(filling(900))
    with pytest.raises(KeyboardInterrupt):
        s.compact()
    assert drafter.left.wait(PATIENCE)
    assert (s.view.version, s.events) == (0, [])
    s.append(user("and on"))
    assert len(s.context()) == len(filling(900)) + 1


async def test_a_synchronous_call_in_a_busy_event_loop_is_refused_not_stuck() -> None:
    """It would wait for a task that can only go on when it returns."""
    drafter = HangingDrafter(POINTS)
    s = session(drafter=drafter, policy=DRAFTING)
    await s.aappend(filling(900))
    task = asyncio.create_task(s.acompact())
    assert await asyncio.to_thread(drafter.entered.wait, PATIENCE)
    for call in (s.context, s.compact, s.close):
        with pytest.raises(RuntimeError, match="async methods"):
            call()
    drafter.release.set()
    assert (await task).committed
    s.close()


async def test_leaving_an_async_session_waits_for_its_tasks() -> None:
    """``async with`` closes once the operation that is under way is over."""
    drafter = HangingDrafter(POINTS)
    async with session(drafter=drafter, policy=DRAFTING) as s:
        await s.aappend(filling(900))
        task = asyncio.create_task(s.acompact())
        assert await asyncio.to_thread(drafter.entered.wait, PATIENCE)
        drafter.release.set()
    assert (await task).committed


def test_a_drafter_that_calls_its_session_gets_nowhere_and_blocks_nobody() -> None:
    """It waits for the compaction that waits for it: at its deadline the next one writes."""

    class Calling(ScriptedDrafter):
        def draft(
            self, requests: Sequence[DraftRequest], *, cancel: threading.Event
        ) -> Sequence[Draft | str]:
            s.context()
            return super().draft(requests, cancel=cancel)

    s = session(drafter=Calling(POINTS, deadline=0.1), policy=Policy(post_turn=layered()))
    s.append(filling(900))
    event = s.after_turn()
    assert event is not None
    assert (event.outcome, event.writer) == ("fell_back", "extractive")
