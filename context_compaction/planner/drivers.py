"""Running a generator of steps: synchronously, or on an event loop with the same generator.

A step is a batch of draft requests, sent to ``start``, or a `Call`: work that blocks (archive, waiting),
done in place or, under asyncio, in a worker thread.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

from context_compaction.drafting.base import DraftRequest, DraftResult

T = TypeVar("T")
Requests = tuple[DraftRequest, ...]
StartDraft = Callable[[Requests, threading.Event], "Future[DraftResult]"]
"""Starts drafting in a thread of its own; the event cancels it."""


@dataclass(frozen=True, slots=True)
class Call:
    """Work that blocks. A cancelled task waits for it to end, so that a commit that began finishes."""

    run: Callable[[], Any]
    abandon: bool = False
    """True for mere waiting, which a cancelled task need not sit out."""


Steps = Generator[Requests | Call, Any, T]


def drive(steps: Steps[T], start: StartDraft) -> T:
    """Run the steps in this thread."""
    cancel = threading.Event()
    send: Callable[[], Any] = lambda: next(steps)
    try:
        while True:
            step = send()
            try:
                result = step.run() if isinstance(step, Call) else start(step, cancel).result()
            except BaseException as error:
                if not isinstance(error, Exception):
                    cancel.set()
                send = _throwing(steps, error)
            else:
                send = _sending(steps, result)
    except StopIteration as stop:
        return stop.value


async def adrive(steps: Steps[T], start: StartDraft) -> T:
    """Run the steps on the running event loop; what blocks goes to worker threads."""
    cancel = threading.Event()
    send: Callable[[], Any] = lambda: next(steps)
    try:
        while True:
            step = send()
            try:
                result = await (_call(step) if isinstance(step, Call) else asyncio.wrap_future(start(step, cancel)))
            except BaseException as error:
                if not isinstance(error, Exception):
                    cancel.set()
                send = _throwing(steps, error)
            else:
                send = _sending(steps, result)
    except StopIteration as stop:
        return stop.value


async def _call(call: Call) -> Any:
    work = asyncio.get_running_loop().run_in_executor(None, call.run)
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        if not call.abandon:
            await asyncio.wait([work])
        raise


def _sending(steps: Steps[Any], value: Any) -> Callable[[], Any]:
    return lambda: steps.send(value)


def _throwing(steps: Steps[Any], error: BaseException) -> Callable[[], Any]:
    return lambda: steps.throw(error)
