"""One turn at a time on a session: telling it the list and asking for the context belong together."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Generator, Hashable
from contextlib import asynccontextmanager, contextmanager
from weakref import WeakValueDictionary

from context_compaction import Session

POLL = 0.005
"""Seconds between two looks of a waiting task, which must not block its event loop."""
_LOCKS: WeakValueDictionary[Hashable, threading.Lock] = WeakValueDictionary()
_GUARD = threading.Lock()


@contextmanager
def turn_of(session: Session) -> Generator[None]:
    """Wait in this thread until no other turn of the session is under way in this process."""
    with lock_of(session):
        yield


@asynccontextmanager
async def aturn_of(session: Session) -> AsyncGenerator[None]:
    """`turn_of` on the running event loop."""
    async with aheld(lock_of(session)):
        yield


@asynccontextmanager
async def aheld(lock: threading.Lock) -> AsyncGenerator[None]:
    """Wait for the lock of a session's turns without blocking the event loop."""
    while not lock.acquire(blocking=False):  # noqa: ASYNC110 - threads take it, too
        await asyncio.sleep(POLL)
    try:
        yield
    finally:
        lock.release()


def lock_of(session: Session) -> threading.Lock:
    """Whoever holds it has the turn: the same one for all `Session` objects of the same session."""
    key = (session.archive.identity, session.namespace, session.session_id)
    with _GUARD:
        return _LOCKS.setdefault(key, threading.Lock())
