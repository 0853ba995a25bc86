"""One drafter of a chain at work in a daemon thread, until it answers, is cancelled, or runs out of time."""

from __future__ import annotations

import concurrent.futures
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from context_compaction.counting import TokenCounter
from context_compaction.drafting.asking import Asking
from context_compaction.drafting.base import DraftRequest, SummaryDrafter
from context_compaction.drafting.choose import CallableDrafter
from context_compaction.drafting.chunks import write_all
from context_compaction.errors import DrafterError

FIRST_COOLDOWN, MAX_COOLDOWN = 60.0, 3840.0
"""Seconds that a drafter is left alone after it missed a deadline: doubled each time, six times at most."""
POLL = 0.02
"""Seconds between two looks at ``cancel`` while a drafter works."""
Clock = Callable[[], float]


class Cancelled(Exception):
    """The draft was cancelled, by the drafter or from outside: no failure, and nobody else is asked."""


@dataclass(slots=True)
class Health:
    """How a drafter has fared, whichever session asked."""

    cooling_until: float = 0.0
    cooldown: float = FIRST_COOLDOWN
    abandoned: list[threading.Thread] = field(default_factory=list[threading.Thread])
    """Threads of calls that nobody waits for any more."""

    def missed(self, now: float) -> None:
        """Note a missed deadline."""
        self.cooling_until = now + self.cooldown
        self.cooldown = min(2 * self.cooldown, MAX_COOLDOWN)


_HEALTH: weakref.WeakKeyDictionary[object, Health] = weakref.WeakKeyDictionary()
_HEALTH_LOCK = threading.Lock()


def health_of(drafter: SummaryDrafter) -> Health:
    """What is known of a drafter. Shared, since every session and stateless call has a chain of its own."""
    known = drafter.function if isinstance(drafter, CallableDrafter) else drafter
    with _HEALTH_LOCK:
        try:
            return _HEALTH.setdefault(known, Health())
        except TypeError:  # not hashable, or nothing can refer to it weakly
            return Health()


class Written(NamedTuple):
    """What a member gave."""

    texts: tuple[str, ...]
    """Checked, one a request."""
    notes: tuple[str, ...]
    """What was left out of them, and why the drafter was asked again, in words."""


@dataclass(slots=True)
class _Call:
    """One call of a drafter, from the side of its thread."""

    done: threading.Event = field(default_factory=threading.Event)
    stop: threading.Event = field(default_factory=threading.Event)
    written: Written | None = None
    error: BaseException | None = None


@dataclass(slots=True)
class Member:
    """A drafter with its health, counter and clock (seconds, monotonic)."""

    drafter: SummaryDrafter
    counter: TokenCounter
    clock: Clock = time.monotonic
    health: Health = field(init=False)

    def __post_init__(self) -> None:
        self.health = health_of(self.drafter)

    def write(self, requests: Sequence[DraftRequest], *, deadline: float, cancel: threading.Event) -> Written:
        """Checked texts, one a request, within ``deadline`` seconds or the drafter's own, if that is less.

        Raises `DrafterError` with the reason, or `Cancelled`. A call that takes too long is abandoned: its
        thread cannot be stopped, but it is told to, its answer is discarded, and until it ends the drafter
        is not asked again.
        """
        self._refuse_when_unwell()
        own = self.drafter.deadline
        seconds = deadline if own is None else min(own, deadline)
        call = _Call()
        thread = threading.Thread(
            target=self._work, args=(call, requests), name=f"draft-{self.drafter.name}", daemon=True
        )
        thread.start()
        self._wait(call, thread, seconds, cancel)
        return self._result(call, cancel)

    def write_here(self, requests: Sequence[DraftRequest]) -> Written:
        """The same in this thread, without a deadline: for the drafter that is plain code."""
        try:
            return self._written(requests, threading.Event())
        except DrafterError:
            raise
        except Exception as error:
            raise DrafterError(f"{type(error).__name__}: {error}") from error

    def _refuse_when_unwell(self) -> None:
        if any(thread.is_alive() for thread in self.health.abandoned):
            raise DrafterError("still busy with an abandoned call")
        self.health.abandoned.clear()
        wait = self.health.cooling_until - self.clock()
        if wait > 0:
            raise DrafterError(f"left alone for {wait:.0f} s more after a missed deadline")

    def _work(self, call: _Call, requests: Sequence[DraftRequest]) -> None:
        """The body of the thread: whatever is raised in it, an exit included, is an answer."""
        try:
            call.written = self._written(requests, call.stop)
        except BaseException as error:  # noqa: BLE001  a drafter must not end the process
            call.error = error
        finally:
            call.done.set()

    @property
    def window(self) -> int | None:
        """Tokens that a request for it must fit into; None without a limit."""
        return None if self.drafter.cuts_itself else self.drafter.window

    def _written(self, requests: Sequence[DraftRequest], stop: threading.Event) -> Written:
        asking = Asking(self.drafter, self.counter, stop)
        texts = write_all(requests, self.window, self.counter, asking.texts)
        return Written(tuple(texts), tuple(asking.notes))

    def _wait(self, call: _Call, thread: threading.Thread, seconds: float, cancel: threading.Event) -> None:
        end = time.monotonic() + seconds
        while not call.done.wait(max(0.0, min(POLL, end - time.monotonic()))):
            late = time.monotonic() >= end
            if not late and not cancel.is_set():
                continue
            call.stop.set()
            self.health.abandoned.append(thread)
            if cancel.is_set():
                raise Cancelled("cancelled while it was drafting")
            self.health.missed(self.clock())
            raise DrafterError(f"no draft within {seconds:g} s")

    def _result(self, call: _Call, cancel: threading.Event) -> Written:
        from asyncio import CancelledError

        error = call.error
        if cancel.is_set() or isinstance(error, (concurrent.futures.CancelledError, CancelledError)):
            raise Cancelled("cancelled while it was drafting") from error
        if isinstance(error, DrafterError):
            raise error
        if error is not None:
            raise DrafterError(f"{type(error).__name__}: {error}") from error
        self.health.cooldown = FIRST_COOLDOWN
        return call.written or Written((), ())
