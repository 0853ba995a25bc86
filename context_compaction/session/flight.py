"""Single flight: one operation at a time on a session, whether threads or tasks ask."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager


class SingleFlight:
    """A lock that threads and event-loop tasks can both wait for, and that notices its own deadlocks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owner: int | None = None

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Wait for the flight in this thread."""
        if not self._lock.acquire(blocking=False):
            if self._owner == threading.get_ident():
                raise RuntimeError(
                    "this session is busy in this very thread: do not call it from its own observer or drafter, "
                    "and inside an event loop use the async methods"
                )
            self._lock.acquire()
        self._owner = threading.get_ident()
        try:
            yield
        finally:
            self._release()

    @asynccontextmanager
    async def ahold(self) -> AsyncIterator[None]:
        """Wait for the flight without blocking the event loop."""
        while not self._lock.acquire(blocking=False):
            # Polling costs little here (drafts take seconds) and, unlike a lock waited for in a worker
            # thread, leaves nothing behind when the task is cancelled.
            await asyncio.sleep(0.002)
        self._owner = threading.get_ident()
        try:
            yield
        finally:
            self._release()

    def _release(self) -> None:
        self._owner = None
        self._lock.release()
