"""Observers see each compaction before and after; they may veto a SOFT one, and can do no harm."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from context_compaction import CompactionEvent, Policy, Session
from context_compaction.events import CompactionObserver
from context_compaction.policy import truncating
from tests.session.talks import INPUT, filling, session, size, wire

SOFT = Policy(pre_turn=truncating(), post_turn=truncating())


class Watching(CompactionObserver):
    """Keeps what it is shown; ``answer`` is its vote, ``inside`` runs at both occasions."""

    def __init__(self, answer: bool | None = None, inside: Callable[[], Any] | None = None) -> None:
        self.answer = answer
        self.inside = inside
        self.before: list[CompactionEvent] = []
        self.after: list[CompactionEvent] = []

    def before_compaction(self, event: CompactionEvent) -> bool | None:
        self.before.append(event)
        if self.inside:
            self.inside()
        return self.answer

    def after_compaction(self, event: CompactionEvent) -> None:
        self.after.append(event)
        if self.inside:
            self.inside()


def watched(observer: Any, tokens: int) -> Session:
    s = session(policy=SOFT, observers=[observer])
    s.append(filling(tokens))
    return s


@pytest.mark.parametrize("tokens", [950, 1500], ids=["soft", "hard"])
def test_each_compaction_is_shown_before_and_after(tokens: int) -> None:
    """Before: the plan, not committed. After: the event that the session keeps."""
    observer = Watching()
    s = watched(observer, tokens)
    s.context()
    [planned], [done] = observer.before, observer.after
    assert not planned.committed
    assert planned.tokens_after < planned.tokens_before == tokens
    assert s.events == [done]
    assert done.committed


def test_its_beginning_is_told_before_anybody_drafts() -> None:
    """For a user who waits meanwhile: nothing is planned yet, and the plan is shown later."""
    told: list[str] = []

    class Early(Watching):
        def starting_compaction(self, event: CompactionEvent) -> None:
            told.append(f"starting {event.trigger} {event.level} {event.tokens_before} {event.committed}")

        def before_compaction(self, event: CompactionEvent) -> bool | None:
            told.append("before")
            return None

    def draft(request: Any) -> str:
        told.append("drafting")
        return "## Current State\n- of no importance"

    s = session(policy=Policy.layered(trigger=0.5, target=0.2, keep=0.1), observers=[Early()], drafter=draft)
    s.append(filling(700))
    s.after_turn()
    assert told == ["starting post_turn soft 700 False", "drafting", "before"]


@pytest.mark.parametrize("side", ["context", "after_turn", "compact"])
def test_a_veto_keeps_the_view_on_soft(side: str) -> None:
    """Reported as cancelled, once; nothing is written."""
    observer = Watching(answer=False)
    s = watched(observer, 950)
    getattr(s, side)()
    assert s.view.version == 0
    [event] = s.events
    assert (event.outcome, event.committed, event.tokens_saved) == ("cancelled", False, 0)
    assert "veto" in event.reason
    assert observer.after == [event]
    assert size(s.context()) == 950


def test_hard_cannot_be_vetoed() -> None:
    observer = Watching(answer=False)
    s = watched(observer, 1500)
    assert size(s.context()) <= INPUT
    assert observer.before
    assert [event.committed for event in s.events] == [True]


def test_one_veto_is_enough_and_all_are_asked() -> None:
    no, yes = Watching(answer=False), Watching(answer=True)
    s = session(policy=SOFT, observers=[no, yes])
    s.append(filling(950))
    s.context()
    assert s.view.version == 0
    assert len(yes.before) == 1


def raising() -> None:
    raise ValueError("an observer's own trouble")


@pytest.mark.parametrize("tokens", [950, 1500], ids=["soft", "hard"])
def test_a_raising_observer_harms_nobody(tokens: int) -> None:
    """Neither the turn, nor the compaction, nor the observers after it."""
    calm = Watching()
    s = session(policy=SOFT, observers=[Watching(inside=raising), lambda event: raising(), calm])
    s.append(filling(tokens))
    s.context()
    assert [event.committed for event in s.events] == [True]
    assert calm.after == s.events


def test_a_function_is_told_afterwards() -> None:
    told: list[CompactionEvent] = []
    s = watched(told.append, 950)
    s.context()
    assert told == s.events


def test_an_unneeded_attempt_is_told_too() -> None:
    """An attempt that proposes nothing is no plan to vote on, but is reported."""
    observer = Watching()
    s = session(observers=[observer])
    s.append({"role": "user", "content": "word " * 950})
    s.after_turn()
    assert (observer.before, [event.outcome for event in observer.after]) == ([], ["nothing_to_do"])


CALLS: list[Callable[[Session], Any]] = [
    lambda s: s.context(),
    lambda s: s.append({"role": "user", "content": "from inside"}),
    lambda s: s.compact(),
    lambda s: s.pin("m:1"),
]


@pytest.mark.parametrize("call", CALLS, ids=["context", "append", "compact", "pin"])
def test_calling_the_session_from_its_observer_is_an_error_and_no_deadlock(
    call: Callable[[Session], Any],
) -> None:
    """Said in words; the compaction goes on, and so does the session."""
    said: list[str] = []

    def inside() -> None:
        with pytest.raises(RuntimeError) as caught:
            call(s)
        said.append(str(caught.value))

    s = watched(Watching(inside=inside), 950)
    s.context()
    assert len(said) == 2
    assert "observer" in said[0]
    assert [event.committed for event in s.events] == [True]
    assert len(s.history()) == s.stats.messages_said == len(filling(950))


async def test_the_same_on_an_event_loop() -> None:
    """The commit runs in a worker thread there, and is recognised all the same."""
    said: list[str] = []

    def inside() -> None:
        with pytest.raises(RuntimeError) as caught:
            s.context()
        said.append(str(caught.value))

    s = watched(Watching(inside=inside), 950)
    await asyncio.wait_for(s.acontext(), 30)
    assert len(said) == 2
    assert [event.committed for event in s.events] == [True]


def test_another_thread_is_made_to_wait_and_not_refused() -> None:
    """An observer that starts a thread on the session may: it gets its turn once the compaction is over."""
    threads: list[threading.Thread] = []
    results: list[bytes] = []

    def inside() -> None:
        thread = threading.Thread(target=lambda: results.append(wire(s.context())))
        threads.append(thread)
        thread.start()

    s = watched(Watching(inside=inside), 950)
    shown = wire(s.context())
    for thread in threads:
        thread.join(30)
    assert results == [shown, shown]
