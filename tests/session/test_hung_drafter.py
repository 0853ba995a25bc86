"""A drafter that hangs delays nothing past its deadline, and keeps no process alive."""

from __future__ import annotations

import subprocess
import sys

import pytest

from context_compaction import Policy, compact
from context_compaction.budget import Budget
from context_compaction.testing.drafters import HangingDrafter
from tests.session.talks import INPUT, filling, session, size, turns
from tests.session.waiting import PATIENCE
from tests.windows import WORDS

EXIT = 2.0
"""Seconds in which a process ends that has nothing more to do."""
TRIES = 3
"""A machine under load may need another go; a process that a drafter holds never ends."""


def hung() -> HangingDrafter:
    """Hangs for an hour whatever it is told; its deadline is near."""
    return HangingDrafter(deadline=0.05, ignore_cancel=True)


@pytest.mark.parametrize("call", ["after_turn", "compact", "context"])
def test_the_call_returns_while_the_drafter_still_hangs(call: str) -> None:
    """After a turn, by hand and on HARD: the next of the chain writes, and the context fits."""
    drafter = hung()
    s = session(drafter=drafter)
    s.append(filling(1500 if call == "context" else 950))
    getattr(s, call)()
    assert drafter.entered.is_set()
    assert not drafter.left.is_set()
    assert drafter.last_cancel is None
    event = s.events[-1]
    assert (event.outcome, event.writer, event.fell_back_from) == ("fell_back", "extractive", ("hanging",))
    assert size(s.context()) <= INPUT
    drafter.release.set()


async def test_the_same_on_an_event_loop() -> None:
    drafter = hung()
    s = session(drafter=drafter)
    await s.aappend(filling(1500))
    assert size(await s.acontext()) <= INPUT
    assert not drafter.left.is_set()
    drafter.release.set()


def test_it_is_asked_once_and_then_left_alone() -> None:
    """At most one abandoned call: no later compaction waits for it, not even one of another session."""
    drafter = hung()
    for _ in range(2):
        s = session(drafter=drafter)
        for number in range(4):
            s.append(turns(10 * number, 8))
            assert s.compact().outcome == "fell_back"
    assert drafter.calls == 0
    drafter.release.set()
    assert drafter.left.wait(PATIENCE)
    assert drafter.calls == 1


def test_a_late_draft_is_discarded() -> None:
    """What it says after the deadline shows up nowhere."""
    drafter = HangingDrafter("## Current State\n- far too late", deadline=0.05, ignore_cancel=True)
    s = session(drafter=drafter)
    s.append(filling(950))
    s.compact()
    drafter.release.set()
    assert drafter.left.wait(PATIENCE)
    s.append(turns(80, 1))
    assert "far too late" not in str([message.text for message in s.context()])
    assert len(s.events) == 1


def test_stateless_use_does_not_wait_either() -> None:
    drafter = hung()
    shown, event = compact(
        filling(1500), budget=Budget(INPUT, 0), policy=Policy.layered(), drafter=drafter, counter=WORDS
    )
    assert not drafter.left.is_set()
    assert event.fell_back_from == ("hanging",)
    assert size(shown) <= INPUT
    drafter.release.set()


START = """
import asyncio
from context_compaction import compact
from context_compaction.budget import Budget
from context_compaction.testing.drafters import HangingDrafter
from tests.session.talks import filling, session, turns
from tests.windows import WORDS
drafter = HangingDrafter(deadline=DEADLINE, ignore_cancel=True)
s = session(drafter=drafter, post_turn=POST_TURN)
s.append(filling(900))
"""
INLINE = START.replace("DEADLINE", "0.05").replace("POST_TURN", "'inline'")
BEHIND = START.replace("DEADLINE", "3600").replace("POST_TURN", "'background'")
CANCELLED = """
async def main():
    task = asyncio.create_task(CALL)
    await asyncio.to_thread(READY.wait)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        pass
    else:
        raise AssertionError("not cancelled")
    print("done", drafter.left.is_set(), flush=True)
asyncio.run(main())
"""
WAITED_FOR = """
import threading
class Waited(threading.Event):
    on = threading.Event()
    def wait(self, timeout=None):
        self.on.set()
        return super().wait(timeout)
s._core.ahead._work.done = Waited()
"""
PROGRAMS = {
    "inline": INLINE + "s.after_turn(); s.close()",
    "hard": INLINE + "s.append(turns(50, 4)); s.context()",
    "stateless": INLINE + "compact(filling(1500), budget=Budget(1000, 0), drafter=drafter, counter=WORDS)",
    "background": BEHIND + "s.after_turn(); drafter.entered.wait()",
    "background closed": BEHIND + "s.after_turn(); drafter.entered.wait(); s.close()",
    "cancelled task": BEHIND + CANCELLED.replace("CALL", "s.acompact()").replace("READY", "drafter.entered"),
    "cancelled while waiting for the background": BEHIND
    + "s.after_turn(); s.append(turns(50, 4)); drafter.entered.wait()"
    + WAITED_FOR
    + CANCELLED.replace("CALL", "s.acontext()").replace("READY", "Waited.on"),
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_process_ends_when_it_is_done(program: str) -> None:
    """With the drafter still hanging, closed or not: within two seconds of saying that it is done."""
    for _ in range(TRIES):
        with subprocess.Popen(
            [sys.executable, "-c", f"{PROGRAMS[program]}\nprint('done', drafter.left.is_set(), flush=True)"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as child:
            assert child.stdout is not None
            said = child.stdout.readline()
            try:
                code = child.wait(EXIT)
            except subprocess.TimeoutExpired:
                child.kill()
                continue
            assert child.stderr is not None
            assert (said, code) == ("done False\n", 0), child.stderr.read()
            return
    pytest.fail(f"still running {EXIT} s after its last line")
