"""Running a generator of steps: synchronously, or on an event loop with the same generator.

A step is a batch of draft requests, sent to ``start``, or a `Call`: work that blocks (archive, waiting),
done in place or, under asyncio, in a worker thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from context_compaction.drafting.base import DraftRequest, DraftResult

T = TypeVar("T")
Requests = tuple[DraftRequest, ...]
StartDraft = Callable[[Requests, threading.Event], Future[DraftResult]]
"""Starts drafting in a thread of its own; the event cancels it."""


@dataclass(frozen=True, slots=True)
class Call:
    """Work that blocks. A cancelled task waits for it to end, so that a commit that began finishes."""

    run: Callable[[], Any]
    abandon: bool = False
    """True for mere waiting, which a cancelled task need not sit out."""


Steps = Generator[Requests | Call, Any, T]


class _Run(Generic[T]):
    """The steps, and how to go on with them: with a value, or with an error thrown in."""

    def __init__(self, steps: Steps[T], start: StartDraft) -> None:
        self._steps = steps
        self._start = start
        self._cancel: threading.Event | None = None
        self.step = next(steps)

    def draft(self, requests: Requests) -> Future[DraftResult]:
        if self._cancel is None:  # most operations draft nothing
            self._cancel = threading.Event()
        return self._start(requests, self._cancel)

    def go_on(self, result: Any) -> None:
        self.step = self._steps.send(result)

    def fail(self, error: BaseException) -> None:
        if self._cancel is not None and not isinstance(error, Exception):
            self._cancel.set()
        self.step = self._steps.throw(error)


def drive(steps: Steps[T], start: StartDraft) -> T:
    """Run the steps in this thread."""
    try:
        run = _Run(steps, start)
        while True:
            try:
                step = run.step
                result = step.run() if isinstance(step, Call) else run.draft(step).result()
            except BaseException as error:  # noqa: BLE001 - the steps decide what an error means
                run.fail(error)
            else:
                run.go_on(result)
    except StopIteration as stop:
        return stop.value


async def adrive(steps: Steps[T], start: StartDraft) -> T:
    """Run the steps on the running event loop; what blocks goes to worker threads."""
    import asyncio  # here, because it would be a quarter of the package's import time

    try:
        run = _Run(steps, start)
        while True:
            try:
                step = run.step
                waiting = _call(step) if isinstance(step, Call) else asyncio.wrap_future(run.draft(step))
                result = await waiting
            except BaseException as error:  # noqa: BLE001 - the steps decide what an error means
                run.fail(error)
            else:
                run.go_on(result)
    except StopIteration as stop:
        return stop.value


async def _call(call: Call) -> Any:
    import asyncio

    # In this task's context, so that whoever is called back there can be told apart from other threads.
    work = asyncio.get_running_loop().run_in_executor(None, copy_context().run, call.run)
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        while not (call.abandon or work.done()):
            with suppress(asyncio.CancelledError):  # told again: the first time counts, once the work is done
                await asyncio.wait([work])
        raise
