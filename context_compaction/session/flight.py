"""Single flight: one operation at a time on a session, whether threads or tasks ask, in the order they came.

Tasks cannot wait for a lock, and whoever polls for one never gets it from threads that wait: hence a queue.
"""

from __future__ import annotations

import os
import threading
from collections.abc import AsyncGenerator, Hashable
from contextlib import AbstractContextManager, asynccontextmanager, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from context_compaction.archive import Archive

if TYPE_CHECKING:
    import asyncio

GLANCE = 0.5
"""Seconds between two looks of a waiting thread at whether the next one in the queue can go on at all."""
_INSIDE: ContextVar[tuple[object, ...]] = ContextVar("_INSIDE", default=())
"""The turns of tasks that this code runs inside of, their worker threads included."""


class _Flights:
    """The flights of this process."""

    def __init__(self) -> None:
        self.known: WeakValueDictionary[tuple[Hashable, str, str], SingleFlight] = WeakValueDictionary()
        self.lock = threading.Lock()


_FLIGHTS = _Flights()


def flight_of(archive: Archive, namespace: str, session_id: str) -> SingleFlight:
    """The flight of a session: one for all `Session` objects of this process that are of the same one.

    Two that compact at the same time would draft the same summary, and one of them in vain.
    """
    key = (archive.identity, namespace, session_id)
    with _FLIGHTS.lock:
        flight = _FLIGHTS.known.get(key)
        if flight is None:
            flight = _FLIGHTS.known[key] = SingleFlight()
        return flight


class SingleFlight:
    """A queue that threads and event-loop tasks wait in alike, and that notices its own deadlocks."""

    def __init__(self) -> None:
        self._guard = threading.RLock()  # a signal's handler may come in between
        self._turns: list[_Turn] = []
        """The first has the flight, or is about to take it; the others wait."""

    def hold(self) -> AbstractContextManager[object]:
        """Wait for the flight in this thread."""
        return _ThreadTurn(self)

    def wait(self, turn: _ThreadTurn) -> None:
        """Until it is this turn."""
        with self._guard:
            self._refuse_deadlock()
            self._turns.insert(self._place_of_thread(), turn)
            self._promote()
            waiting = turn.waiting()
        # The look is for the first of the queue: a task whose event loop has been stopped meanwhile.
        while waiting is not None and not waiting.wait(GLANCE):
            with self._guard:
                self._promote()

    @asynccontextmanager
    async def ahold(self) -> AsyncGenerator[None]:
        """Wait for the flight without blocking the event loop."""
        import asyncio

        turn = _TaskTurn(asyncio.get_running_loop())
        with self._guard:
            self._turns.append(turn)
            self._promote()
        before = _INSIDE.get()
        try:
            while not self._taken(turn):
                await turn.woken
            _INSIDE.set((*before, turn))
            yield
        finally:
            _INSIDE.set(before)
            self.leave(turn)

    def _taken(self, turn: _TaskTurn) -> bool:
        """Begin if it is this task's turn. A thread may have gone ahead after the task was woken."""
        with self._guard:
            turn.running = self._turns[0] is turn
            if not turn.running:
                turn.woken = turn.loop.create_future()
            return turn.running

    def leave(self, turn: _Turn) -> None:
        """Out of the queue, at the end of a turn or before it came."""
        with self._guard:
            with suppress(ValueError):  # refused, or this is a child that was forked meanwhile
                self._turns.remove(turn)
            self._promote()

    def _promote(self) -> None:
        """Let the next one begin that can: a task cannot while its event loop stands still."""
        if not self._turns or self._turns[0].running:
            return
        able = next((turn for turn in self._turns if turn.able()), None)
        if able is not None:
            self._turns.remove(able)
            self._turns.insert(0, able)
            able.wake()

    def _place_of_thread(self) -> int:
        """At the end, but before tasks of an event loop that this thread blocks while it waits."""
        if not self._turns:
            return 0
        here = threading.get_ident()
        blocked = (number for number, turn in enumerate(self._turns) if turn.thread == here)
        return next(blocked, len(self._turns))

    def _refuse_deadlock(self) -> None:
        turn = self._turns[0] if self._turns else None
        if (
            turn is not None
            and turn.running
            and (turn.thread == threading.get_ident() or turn in _INSIDE.get())
        ):
            raise RuntimeError(
                "this session is busy with the very call that this one comes from: do not call it from "
                "its own observer or drafter, and inside an event loop use the async methods"
            )

    def after_fork(self) -> None:
        """In a forked child: only this thread is left, and what the others waited for or held is nobody's."""
        here = threading.get_ident()
        self._guard = threading.RLock()
        self._turns = [turn for turn in self._turns if turn.running and turn.thread == here]


class _Turn:
    """Somebody's place in the queue."""

    def __init__(self) -> None:
        self.thread = threading.get_ident()
        """The thread that it runs in: for a task, its event loop's."""
        self.running = False

    def able(self) -> bool:
        """Whether it would go on when woken."""
        raise NotImplementedError

    def wake(self) -> None:
        """Tell it that it is first. Called under the queue's guard, more than once maybe."""
        raise NotImplementedError


class _ThreadTurn(_Turn):
    """A context manager: a generator for one would take longer than all that it does."""

    def __init__(self, flight: SingleFlight) -> None:
        super().__init__()
        self._flight = flight
        self._woken: threading.Event | None = None

    def __enter__(self) -> None:
        try:
            self._flight.wait(self)
        except BaseException:
            self._flight.leave(self)
            raise

    def __exit__(self, *error: object) -> None:
        self._flight.leave(self)

    def able(self) -> bool:
        return True

    def wake(self) -> None:
        self.running = True
        if self._woken is not None:
            self._woken.set()

    def waiting(self) -> threading.Event | None:
        """What to wait for; None if it is running, as nearly always. Called under the queue's guard."""
        if self.running:
            return None
        self._woken = threading.Event()
        return None if self.running else self._woken  # a signal's handler may have woken it in between


class _TaskTurn(_Turn):
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self.loop = loop
        self.woken = loop.create_future()

    def able(self) -> bool:
        return self.loop.is_running()

    def wake(self) -> None:
        with suppress(RuntimeError):  # the loop was closed this very moment: a waiting thread looks again
            self.loop.call_soon_threadsafe(_set, self.woken)


def _set(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _in_child() -> None:
    _FLIGHTS.lock = threading.Lock()  # another thread may have held it, and is not here to release it
    for flight in list(_FLIGHTS.known.values()):
        flight.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
