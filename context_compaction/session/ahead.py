"""Background post-turn: drafted against version v, committed at a later call, dropped if v moved."""

from __future__ import annotations

import logging
import threading
import time

from context_compaction.errors import ArchiveError, StaleView
from context_compaction.plan import CompactionPlan
from context_compaction.planner import Call, Steps, Task, rebased
from context_compaction.session.background import BackgroundPlan
from context_compaction.session.compactor import Compactor
from context_compaction.session.settings import POST_TURN_DEADLINE
from context_compaction.session.state import SessionState

logger = logging.getLogger(__name__)
SETTLE = 1.0
"""Seconds at most that a cancelled plan is given to come to its end; it takes some hundredths."""
GLANCE = 0.05
"""Seconds between two looks at whether anybody still waits."""


class Ahead:
    """At most one background plan of a session."""

    def __init__(self, state: SessionState, compactor: Compactor) -> None:
        self._state = state
        self._compactor = compactor
        self._work: BackgroundPlan | None = None
        self._branch = 0
        """The branch that the plan is for."""

    @property
    def running(self) -> bool:
        """Whether a plan is being drafted or waits to be committed."""
        return self._work is not None

    def start(self, task: Task) -> None:
        """Plan the task while nobody waits."""
        self._work = BackgroundPlan(task, self._state.settings.chain.starter(POST_TURN_DEADLINE))
        self._branch = self._state.live.branch

    def drop(self) -> None:
        """Cancel; what the drafter still returns is discarded. Nothing is lost: the log is ahead of it."""
        if self._work is not None:
            self._work.cancel()
            self._work = None

    def abandon(self) -> None:
        """In a forked child: the plan's thread is the parent's, and so is the plan."""
        self._work = None

    def give_up(self) -> Steps[None]:
        """`drop`, and wait until the drafter is let go of: the next to ask it must not be a second caller.

        One that hangs on is then known to be busy, and costs the next draft no further deadline.
        """
        work = self._work
        self.drop()
        if work is not None:
            yield from _waited(work.done, SETTLE)

    def use(self, wait: float | None = None) -> Steps[None]:
        """Commit a finished plan if its view still holds.

        With ``wait`` it waits so many seconds for the plan and then cancels it; else a plan that is not
        finished is left to run.
        """
        work = self._work
        if work is None:
            return
        if wait is not None:
            yield from _waited(work.done, wait)
        if not work.done.is_set():
            if wait is not None:
                yield from self.give_up()
            return
        self._work = None
        state = self._state
        now = state.task(work.task.side, work.task.level, work.task.rule, work.task.budget)
        if self._branch != state.live.branch:
            return
        if work.plan is not None and work.plan.base_version == state.live.version:
            yield from self._finish(now, work.plan)
        elif work.error is not None and not work.cancelled:
            reason = f"a rung failed: {type(work.error).__name__}: {work.error}"
            yield from self._compactor.give_up(now, reason)

    def _finish(self, now: Task, made: CompactionPlan) -> Steps[None]:
        """Commit; when that cannot be, the view stays as it was and the event tells."""
        try:
            yield from self._compactor.finish(now, rebased(now, made), time.perf_counter())
        except StaleView:
            # Nothing is lost, and nothing to be told: what was first is met by the next operation.
            logger.info("a background compaction was dropped: another writer of the session was first")
        except ArchiveError as error:
            logger.warning("background compaction was not committed: %s", error)
            yield from self._compactor.give_up(now, f"{type(error).__name__}: {error}")


def _waited(done: threading.Event, seconds: float) -> Steps[None]:
    """Wait for the event. A cancelled task goes at once, and the thread that waited for it soon after."""
    given_up = threading.Event()
    end = time.monotonic() + seconds

    def wait() -> None:
        while not given_up.is_set() and (left := end - time.monotonic()) > 0:
            if done.wait(min(left, GLANCE)):
                return

    try:
        yield Call(wait, abandon=True)
    except BaseException:
        given_up.set()
        raise
