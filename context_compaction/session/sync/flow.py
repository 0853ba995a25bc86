"""`Syncer`: a list comes in, the log follows."""

from __future__ import annotations

from collections.abc import Sequence

from context_compaction.planner import Call, Steps
from context_compaction.session.forking import fork_of
from context_compaction.session.staging import MessageLike
from context_compaction.session.state import SessionState
from context_compaction.session.sync.agreement import Comparison
from context_compaction.session.sync.items import Remembered
from context_compaction.session.sync.ours import Ours
from context_compaction.session.sync.outline import Outline
from context_compaction.session.sync.plan import SyncPlan, sync_plan
from context_compaction.session.sync.result import SyncResult


class Syncer:
    """Keeps a session's log equal to a list; remembers the list, so that only what changed is read again."""

    def __init__(self, state: SessionState) -> None:
        self._state = state
        self._outline: Outline | None = None
        self._ours: Ours | None = None
        self._remembered = Remembered()

    def sync(self, messages: Sequence[MessageLike], *, deep: bool, trimmed: bool) -> Steps[SyncResult]:
        """One try. Raises `StaleView` when another writer was faster."""
        yield Call(self._state.notice)
        return (yield Call(lambda: self._sync(messages, deep=deep, trimmed=trimmed)))

    def _sync(self, messages: Sequence[MessageLike], *, deep: bool, trimmed: bool) -> SyncResult:
        state, before = self._state, self._state.live.branch
        items = self._remembered.items(messages, before)
        comparison = Comparison(state.archive, state.live, items, deep=deep, trimmed=trimmed)
        plan = sync_plan(comparison.best(self._read(), self._rendered()), items)
        self._write(plan)
        self._remembered.keep(state.live.branch, items, plan.numbers)
        moved = state.live.branch != before
        grown = bool(plan.fresh or plan.head)
        return SyncResult(
            kind=("switched" if plan.fork_at is None else "forked")
            if moved
            else ("grown" if grown else "unchanged"),
            appended=len(plan.fresh),
            superseded=len(plan.head),
            branch=state.live.branch,
            forked_at=plan.fork_at,
        )

    def _read(self) -> Outline:
        live = self._state.live
        if self._outline is None or self._outline.branch != live.branch:
            self._outline = Outline(self._state.archive, live.branch)
        self._outline.reach(live.last_seq)
        return self._outline

    def _rendered(self) -> Ours:
        state, live = self._state, self._state.live
        if self._ours is None or self._ours.branch != live.branch:
            self._ours = Ours(state.archive, live.branch, live.version, state.settings.options)
        self._ours.reach(live.version)
        return self._ours

    def _write(self, plan: SyncPlan) -> None:
        """Go on with the branch that the list is on, and append what is new, new system messages first.

        The branch becomes the session's own with this append: until then, whatever happens, the session is
        where it was.
        """
        state = self._state
        here = state.live, state.pins, state.notes
        try:
            self._move(plan)
            moved = state.live is not here[0]
            if plan.head or plan.fresh or moved:
                rows = [*plan.head, *((message, None) for message in plan.fresh)]
                state.store(state.live.stage(rows, activate=moved))
        except BaseException:
            state.live, state.pins, state.notes = here
            raise

    def _move(self, plan: SyncPlan) -> None:
        state, branch = self._state, plan.branch
        if plan.fork_at is not None:
            fork = fork_of(
                state.archive,
                state.archive.state(branch),
                plan.fork_at,
                state.settings.policy.instructions,
                activate=False,
            )
            branch = state.archive.fork(branch, fork)
        if branch != state.live.branch:
            state.take_up(state.archive.state(branch))
