"""Getting ahead of the next turn: a plan that is drafted while nobody waits."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import Future

from context_compaction.drafting.base import DraftRequest, DraftResult
from context_compaction.plan import CompactionPlan
from context_compaction.planner import StartDraft, Task, drive, plan

logger = logging.getLogger(__name__)


class BackgroundPlan:
    """Plans one task in a daemon thread. The session commits the plan later, or drops it."""

    def __init__(self, task: Task, start: StartDraft) -> None:
        self.task = task
        self.done = threading.Event()
        self.plan: CompactionPlan | None = None
        """The finished plan; None while it runs and when it failed or was cancelled."""
        self.error: BaseException | None = None
        self._cancel = threading.Event()
        self._start = start
        self._thread = threading.Thread(target=self._run, name="compaction-background", daemon=True)
        self._thread.start()

    def cancel(self) -> None:
        """Tell the drafter to stop; what it still returns is discarded."""
        self._cancel.set()

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._cancel.is_set()

    def _draft(self, requests: tuple[DraftRequest, ...], _: threading.Event) -> Future[DraftResult]:
        return self._start(requests, self._cancel)

    def _run(self) -> None:
        try:
            self.plan = drive(plan(self.task), self._draft)
        except BaseException as error:  # whatever happens here must not reach a turn
            self.error = error
            logger.warning("background compaction failed: %s", type(error).__name__, exc_info=error)
        finally:
            self.done.set()
