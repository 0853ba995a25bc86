"""Single flight: one operation at a time on a session, whether threads or tasks ask."""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, Generator, Hashable
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from weakref import WeakValueDictionary

from context_compaction.archive import Archive

_INSIDE: ContextVar[tuple[object, ...]] = ContextVar("_INSIDE", default=())
"""The operations on an event loop that this code runs inside of, its worker threads included."""


_FLIGHTS: WeakValueDictionary[tuple[Hashable, str, str], SingleFlight] = WeakValueDictionary()
_FLIGHTS_LOCK = threading.Lock()


def flight_of(archive: Archive, namespace: str, session_id: str) -> SingleFlight:
    """The flight of a session: one for all `Session` objects of this process that are of the same one.

    Two that compact at the same time would draft the same summary, and one of them in vain.
    """
    key = (archive.identity, namespace, session_id)
    with _FLIGHTS_LOCK:
        flight = _FLIGHTS.get(key)
        if flight is None:
            flight = _FLIGHTS[key] = SingleFlight()
        return flight


class SingleFlight:
    """A lock that threads and event-loop tasks can both wait for, and that notices its own deadlocks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owner: int | None = None
        self._operation: object | None = None

    @contextmanager
    def hold(self) -> Generator[None]:
        """Wait for the flight in this thread."""
        if not self._lock.acquire(blocking=False):
            if self._owner == threading.get_ident() or self._operation in _INSIDE.get():
                raise RuntimeError(
                    "this session is busy with the very call that this one comes from: do not call it from "
                    "its own observer or drafter, and inside an event loop use the async methods"
                )
            self._lock.acquire()
        self._owner = threading.get_ident()
        try:
            yield
        finally:
            self._release()

    @asynccontextmanager
    async def ahold(self) -> AsyncGenerator[None]:
        """Wait for the flight without blocking the event loop."""
        import asyncio

        while not self._lock.acquire(blocking=False):  # noqa: ASYNC110 - see below
            # Polling costs little here (drafts take seconds) and, unlike a lock waited for in a worker
            # thread, leaves nothing behind when the task is cancelled.
            await asyncio.sleep(0.002)
        self._owner, self._operation = threading.get_ident(), object()
        before = _INSIDE.get()
        _INSIDE.set((*before, self._operation))
        try:
            yield
        finally:
            _INSIDE.set(before)
            self._release()

    def _release(self) -> None:
        self._owner = self._operation = None
        self._lock.release()
