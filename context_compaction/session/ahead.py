"""Background post-turn: drafted against version v, committed at a later call, dropped if v moved."""

from __future__ import annotations

import logging
import time

from context_compaction.errors import ArchiveError
from context_compaction.planner import Call, Steps, Task, rebased
from context_compaction.session.background import BackgroundPlan
from context_compaction.session.compactor import Compactor
from context_compaction.session.settings import POST_TURN_DEADLINE
from context_compaction.session.state import SessionState

logger = logging.getLogger(__name__)


class Ahead:
    """At most one background plan of a session."""

    def __init__(self, state: SessionState, compactor: Compactor) -> None:
        self._state = state
        self._compactor = compactor
        self._work: BackgroundPlan | None = None

    @property
    def running(self) -> bool:
        """Whether a plan is being drafted or waits to be committed."""
        return self._work is not None

    def start(self, task: Task) -> None:
        """Plan the task while nobody waits."""
        self._work = BackgroundPlan(task, self._state.settings.chain.starter(POST_TURN_DEADLINE))

    def drop(self) -> None:
        """Cancel; what the drafter still returns is discarded. Nothing is lost: the log is ahead of it."""
        if self._work is not None:
            self._work.cancel()
            self._work = None

    def use(self, wait: float = 0.0) -> Steps[None]:
        """Commit a finished plan if its view still holds. Waits up to ``wait`` seconds, then cancels it."""
        work = self._work
        if work is None:
            return
        if wait:
            yield Call(lambda: work.done.wait(wait), abandon=True)
        if not work.done.is_set():
            if wait:
                self.drop()
            return
        self._work = None
        made, state = work.plan, self._state
        if made is None or made.base_version != state.live.view.version:
            return
        now = state.task(work.task.side, work.task.level, work.task.rule, state.settings.budget)
        try:
            yield from self._compactor.finish(now, rebased(now, made), time.perf_counter())
        except ArchiveError as error:
            # The view stays as it was; what is wrong with the archive shows where it must not fail.
            logger.warning("background compaction was not committed: %s", error)
