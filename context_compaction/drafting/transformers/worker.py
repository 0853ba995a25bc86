"""One thread that writes for all who ask: what several sessions want at the same time goes into one batch."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from dataclasses import dataclass, field

from context_compaction.drafting.transformers.batches import Answers, write_within_memory
from context_compaction.drafting.transformers.decoder import SharedPrompt
from context_compaction.drafting.transformers.generate import Decoding
from context_compaction.drafting.transformers.sampling import Sampling
from context_compaction.errors import DrafterError

GATHERING = 0.003
"""Seconds that the first of several waits for the others."""
POLL = 0.05
"""Seconds between two looks of a waiting caller at its ``cancel``."""


@dataclass(slots=True)
class Job:
    """What one caller wants written."""

    prompts: Sequence[SharedPrompt]
    attempt: int
    """0 is greedy; any other is the seed of a sampled try."""
    cancel: threading.Event
    instructions: tuple[int, ...] = ()
    result: Future[Answers] = field(default_factory=Future[Answers])


class Worker:
    """Runs a decoder in a daemon thread, until it is closed."""

    def __init__(self, decoding: Decoding, tokens: Callable[[], int]) -> None:
        self.decoding = decoding
        self._tokens = tokens
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self.batches = 0
        """How many were written so far."""
        threading.Thread(target=self._run, name="transformers-drafter", daemon=True).start()

    def write(self, job: Job) -> Answers:
        """The answers to a job; waits for them. Raises `DrafterError` when cancelled or closed meanwhile."""
        with self._lock:
            if self._closed.is_set():
                raise DrafterError("the drafter is closed")
            self._jobs.put(job)
        while not job.cancel.is_set():
            with suppress(FutureTimeout):
                answers = job.result.result(timeout=POLL)
                if not job.cancel.is_set():  # else they end where it was seen
                    return answers
        raise DrafterError("cancelled")

    def close(self) -> None:
        """Refuse further jobs; those that wait fail, the running batch ends within a few steps."""
        with self._lock:
            if not self._closed.is_set():
                self._closed.set()
                self._jobs.put(None)

    def _run(self) -> None:
        waiting: list[Job] = []
        while not self._closed.is_set():
            if not waiting:
                waiting += self._gathered()
            if waiting:
                attempt = waiting[0].attempt
                batch = [job for job in waiting if job.attempt == attempt]
                waiting = [job for job in waiting if job.attempt != attempt]
                self._serve([job for job in batch if not job.cancel.is_set()])
        for job in [*waiting, *self._drained()]:
            job.result.set_exception(DrafterError("the drafter was closed"))
        self.decoding.close()

    def _gathered(self) -> list[Job]:
        first = self._jobs.get()
        if first is None:
            return []
        self._closed.wait(GATHERING)
        return [first, *self._drained()]

    def _drained(self) -> list[Job]:
        jobs: list[Job] = []
        while not self._jobs.empty():
            job = self._jobs.get()
            if job is not None:
                jobs.append(job)
        return jobs

    def _serve(self, jobs: list[Job]) -> None:
        """Write a batch; whatever goes wrong is each caller's answer."""
        if not jobs:
            return
        owners = [job for job in jobs for _ in job.prompts]
        same = {job.instructions for job in jobs}
        instructions = same.pop() if len(same) == 1 else ()

        def write(prompts: Sequence[SharedPrompt], numbers: Sequence[int]) -> Answers:
            def look(_: int) -> Collection[int]:
                over = self._closed.is_set()
                return [at for at, number in enumerate(numbers) if over or owners[number].cancel.is_set()]

            attempt = jobs[0].attempt
            return self.decoding.write(
                prompts,
                sampling=Sampling() if attempt else None,
                seed=attempt,
                instructions=instructions,
                look=look,
            )

        try:
            answers = iter(
                write_within_memory([p for job in jobs for p in job.prompts], self._tokens(), write)
            )
            self.batches += 1
            for job in jobs:
                job.result.set_result([next(answers) for _ in job.prompts])
        except BaseException as error:  # noqa: BLE001  whoever waits must be told
            for job in jobs:
                if not job.result.done():
                    job.result.set_exception(error)
