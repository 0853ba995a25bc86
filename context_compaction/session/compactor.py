"""One attempted compaction from plan to commit: design §3's flow below the decision."""

from __future__ import annotations

import logging
import time
from dataclasses import replace

from context_compaction.archive import Commit
from context_compaction.errors import ArchiveError, CannotCompact
from context_compaction.events import CompactionEvent
from context_compaction.plan import CompactionPlan
from context_compaction.planner import Call, Steps, Task, last_resort, plan, plan_event
from context_compaction.session.observers import after_all, starting, vetoed
from context_compaction.session.state import SessionState

logger = logging.getLogger(__name__)


class Compactor:
    """Plans, asks the observers, commits, reports."""

    def __init__(self, state: SessionState) -> None:
        self._state = state

    def attempt(self, task: Task) -> Steps[CompactionEvent]:
        """Plan and commit. Raises `CannotCompact` on HARD, `ArchiveError` when nothing could be written."""
        began = time.perf_counter()
        starting(self._state.settings.observers, self._state.failed(task, "nothing_to_do", "it begins"))
        try:
            made = yield from self.planned(task)
        except CannotCompact as error:
            event = self._state.failed(task, "infeasible", str(error), error.items)
            yield Call(lambda: self.report(event))
            raise
        return (yield from self.finish(task, made, began))

    def planned(self, task: Task) -> Steps[CompactionPlan]:
        """The ladder's proposal. A rung that raises costs a SOFT its compaction and a HARD its finesse."""
        try:
            return (yield from plan(task))
        except CannotCompact:
            raise
        except Exception as error:
            logger.warning("a rung failed: %s", type(error).__name__, exc_info=error)
            reason = f"a rung failed: {type(error).__name__}: {error}"
            if task.hard:
                return (yield from last_resort(task, reason))
            return CompactionPlan(
                task.view.version, task.view, (), self._state.failed(task, "nothing_to_do", reason)
            )

    def finish(self, task: Task, made: CompactionPlan, began: float) -> Steps[CompactionEvent]:
        """Commit a plan unless it proposes nothing or is vetoed; report either way."""
        ms = (time.perf_counter() - began) * 1000
        refuse = made.proposes and vetoed(self._state.settings.observers, made.event) and not task.hard
        if made.proposes and not refuse:
            event = replace(plan_event(made, committed=True), ms=ms)
            yield Call(lambda: self._commit(task, made, event))
            return event
        refused = self._state.failed(task, "cancelled", "vetoed by an observer")
        event = replace(refused if made.proposes else made.event, ms=ms)
        self._state.remember_attempt(task, event)
        yield Call(lambda: self.report(event))
        return event

    def _commit(self, task: Task, made: CompactionPlan, event: CompactionEvent) -> None:
        """Archive first, in one transaction; only then is the new view ours."""
        state = self._state
        attempts, heard_to = dict(state.notes.attempts), state.notes.heard_to
        state.remember_attempt(task, event)
        if task.instructions is not None:
            state.notes.heard_to = made.view.head_end
        commit = Commit(task.view.version, made.view, made.summaries, event, state.notes.to_json())
        try:
            state.archive.commit(state.live.branch, commit)
        except BaseException:
            state.notes.attempts, state.notes.heard_to = attempts, heard_to
            raise
        state.live.adopt(made.view, made.summaries)
        after_all(state.settings.observers, event)

    def give_up(self, task: Task, reason: str) -> Steps[CompactionEvent]:
        """Report a SOFT attempt that came to nothing; it counts as one. A turn does not fail for it."""
        event = self._state.failed(task, "nothing_to_do", reason)
        self._state.remember_attempt(task, event)
        yield Call(lambda: self.report(event))
        return event

    def report(self, event: CompactionEvent) -> None:
        """Keep and tell the event of an attempt that committed nothing."""
        state = self._state
        try:
            state.note(event)
        except ArchiveError as error:
            logger.warning("the report of a compaction was not kept: %s", error)
        after_all(state.settings.observers, event)
