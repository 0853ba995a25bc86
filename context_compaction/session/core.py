"""What a session does, each operation once, as steps that a synchronous or asynchronous driver runs.

The caller holds the session's single flight. Whatever blocks is a `Call`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from context_compaction.budget import Budget
from context_compaction.counting import Usage
from context_compaction.errors import ArchiveError, StaleView
from context_compaction.events import CompactionEvent, Side
from context_compaction.messages import Shown
from context_compaction.planner import Call, Steps, Task, off_reason
from context_compaction.planner.stateless import read_messages
from context_compaction.policy import BARE_RULE, CallRule, pre_turn_rule
from context_compaction.session.ahead import Ahead
from context_compaction.session.appending import Appender
from context_compaction.session.compactor import Compactor
from context_compaction.session.forking import fork_of
from context_compaction.session.race import Race
from context_compaction.session.recalling import Recaller
from context_compaction.session.settings import PRE_TURN_DEADLINE
from context_compaction.session.staging import MessageLike
from context_compaction.session.state import SessionState
from context_compaction.session.sync import Syncer, SyncResult

T = TypeVar("T")
logger = logging.getLogger(__name__)


class SessionCore:
    """The operations of a session on its state."""

    def __init__(self, state: SessionState) -> None:
        self.state = state
        self.compactor = Compactor(state)
        self.ahead = Ahead(state, self.compactor)
        self.appender = Appender(state)
        self.syncer = Syncer(state)
        self.recaller = Recaller(state)
        self._process = os.getpid()
        self._embedded: tuple[int, int, int] | None = None
        """Branch and ends of log and summaries when they were last given to the embedder."""

    def after_fork(self) -> None:
        """Begin anew if this is a forked child: another thread of the parent may have been half way.

        The thread of a background plan is not here, either.
        """
        if self._process != os.getpid():
            self._process = os.getpid()
            self.ahead.abandon()
            self.state.load()

    def embed(self, wait: float = 0.0) -> None:
        """See to it that what came since the last time gets its vectors; ``wait`` up to so many seconds."""
        embedding, live = self.state.settings.embedding, self.state.live
        if embedding is None:
            return
        now = (live.branch, live.last_seq, live.next_summary)
        if now != self._embedded:
            self._embedded = now
            embedding.notice(self.state.archive, live.branch)
        if wait:
            embedding.wait(self.state.archive, live.branch, wait)

    def embedded(self) -> dict[str, Any]:
        """How it stands with the vectors, as `SessionStats` has it."""
        embedding = self.state.settings.embedding
        if embedding is None:
            return {}
        missing = embedding.missing(self.state.archive, self.state.live.branch)
        return {"unembedded": missing, "embedder_trouble": embedding.trouble}

    def append(self, messages: Sequence[MessageLike] | MessageLike) -> Steps[None]:
        """Convert, place, count, and add to the log; durable on return."""
        read = read_messages(messages)
        yield from self._racing(lambda: self.appender.append(read), self.state.recover)

    def sync(self, messages: Sequence[MessageLike], *, deep: bool, trimmed: bool) -> Steps[SyncResult]:
        """Make the log equal to the list, by appending to it, or by going on with a branch."""
        done = yield from self._racing(
            lambda: self.syncer.sync(messages, deep=deep, trimmed=trimmed), self.state.recover
        )
        if done.kind in ("forked", "switched"):
            yield from self.ahead.give_up()
        return done

    def fork(self, at: int, session_id: str | None) -> Steps[None]:
        """Branch off behind message ``at``: in this session, which goes on there, or as another one."""
        state = self.state

        def run() -> None:
            source = state.archive.state(state.live.branch)
            plan = fork_of(
                state.archive, source, at, state.settings.policy.instructions, session_id=session_id
            )
            child = state.archive.fork(source.branch, plan)
            if session_id is None:
                state.take_up(state.archive.state(child))

        yield Call(run)
        if session_id is None:
            yield from self.ahead.give_up()

    def switch(self, branch: int) -> Steps[None]:
        """Go on with another branch of the session."""
        state = self.state

        def run() -> None:
            state.archive.activate(branch)
            state.load()

        yield Call(run)
        yield from self.ahead.give_up()

    def _racing(self, run: Callable[[], Steps[T]], look: Callable[[], None]) -> Steps[T]:
        """Run an operation; ``look`` where things stand and run it again if another writer was faster."""
        race = Race()
        while True:
            try:
                return (yield from run())
            except StaleView:
                if race.lost():
                    raise
            yield from race.pause()
            yield Call(look)

    def context(
        self, overhead: int | None = None, context_management: Sequence[Mapping[str, Any]] | None = None
    ) -> Steps[Shown]:
        """Pre-turn: the messages to send. They fit, or `CannotCompact` is raised."""
        state = self.state
        budget, asked = state.budget(overhead), pre_turn_rule(state.settings.policy, context_management)
        yield Call(state.recover)
        if state.settings.disabled:
            return (yield from self._whole_log(budget))
        if state.seen != self._grounds(budget, asked):
            yield from self.ahead.use()
            yield from self._fit(budget, asked)
            yield from self.recaller.decide(budget)
            state.seen = self._grounds(budget, asked)
        else:
            yield from self.recaller.renew()
        tokens = state.live.renderer.tokens + self.recaller.tokens()
        state.sent = (state.live.view.version, tokens, budget.overhead_tokens)
        return self.recaller.shown()

    def _fit(self, budget: Budget, asked: CallRule) -> Steps[None]:
        """Compact if need be; again if another writer was faster."""
        race = Race()
        while not (yield from self._fitted(budget, asked, race)):
            yield Call(self.state.notice)

    def _fitted(self, budget: Budget, asked: CallRule, race: Race) -> Steps[bool]:
        """Decide NONE, SOFT or HARD, and compact accordingly; False if another writer was faster."""
        state = self.state
        level = state.level(asked.rule, budget)
        if level == "hard" and self.ahead.running:
            yield from self.ahead.use(wait=PRE_TURN_DEADLINE)
            level = state.level(asked.rule, budget)
        if level == "none":
            yield from self._armed_again("pre_turn")
            return True
        yield Call(state.catch_up)
        task = state.task("pre_turn", level, asked.rule, budget, whole=asked.whole_ladder)
        if level == "soft" and not state.armed(task):
            return True
        try:
            yield from self.compactor.attempt(task)
        except StaleView:
            if not race.lost():
                return False
            if task.hard:
                raise
        except ArchiveError as error:
            if task.hard:
                raise
            logger.warning("compaction was not committed: %s", error)
            yield from self.compactor.give_up(task, f"{type(error).__name__}: {error}")
        return True

    def after_turn(
        self, usage: Usage | Mapping[str, Any] | None = None, overhead: int | None = None
    ) -> Steps[CompactionEvent | None]:
        """Post-turn: get ahead of the next turn. Its failure never fails one."""
        state = self.state
        state.seen = None
        if usage is not None:
            state.observe(usage)
            yield from self._note()
        rule, budget = state.settings.policy.post_turn, state.budget(overhead)
        if rule is None or state.settings.disabled:
            return None
        yield from self.ahead.use()
        if self.ahead.running:
            return None
        try:
            level = state.level(rule, budget)  # reads the view, if this is the first to ask for it
            if level != "none":
                yield Call(state.catch_up)
        except ArchiveError as error:
            logger.warning("no post-turn compaction: %s", error)
            return None
        if level == "none":
            yield from self._armed_again("post_turn")
            return None
        task = state.task("post_turn", "soft", rule, budget)
        if not state.armed(task):
            return None
        if state.settings.background:
            self.ahead.start(task)
            return None
        return (yield from self._never_failing(task))

    def _armed_again(self, side: Side) -> Steps[None]:
        """The view is under the trigger: SOFT may be tried again, by whoever opens the session next too."""
        if self.state.notes.attempts.pop(side, None) is not None:
            yield from self._note()

    def _note(self) -> Steps[None]:
        """Keep what the session knows. A turn does not fail for it: the next commit writes it too."""
        state = self.state
        try:
            yield Call(state.note)
        except ArchiveError as error:
            logger.warning("the session's notes were not kept: %s", error)

    def _never_failing(self, task: Task) -> Steps[CompactionEvent]:
        try:
            return (yield from self.compactor.attempt(task))
        except StaleView:
            return (yield from self.compactor.give_up(task, "another writer of the session was first"))
        except Exception as error:
            logger.warning("post-turn compaction failed: %s", type(error).__name__, exc_info=error)
            return (yield from self.compactor.give_up(task, f"{type(error).__name__}: {error}"))

    def compact(self, focus: str | None) -> Steps[CompactionEvent]:
        """By hand: the post-turn ladder now, without trigger, ``min_reclaim`` or re-arming."""
        task = self.manual_task(focus)
        if self.state.settings.disabled:
            return self.state.failed(task, "nothing_to_do", "compaction is off")

        def run() -> Steps[CompactionEvent]:
            return self.compactor.attempt(self.manual_task(focus))

        yield from self.ahead.give_up()
        yield Call(self.state.catch_up)
        return (yield from self._racing(run, self.state.notice))

    def preview(self) -> Steps[CompactionEvent]:
        """The event that `compact` would give; nothing is committed."""
        yield Call(self.state.catch_up)
        task = self.manual_task()
        if self.state.settings.disabled:
            return self.state.failed(task, "nothing_to_do", "compaction is off")
        made = yield from self.compactor.planned(task)
        return made.event

    def manual_task(self, focus: str | None = None) -> Task:
        """What a compaction by hand would plan."""
        settings = self.state.settings
        return self.state.task("manual", "none", settings.manual_rule(), settings.budget, focus=focus)

    def _grounds(self, budget: Budget, asked: CallRule) -> tuple[Any, ...]:
        """All that a pre-turn decision depends on."""
        live, notes = self.state.live, self.state.notes
        return (live.branch, live.last_seq, live.version, budget, asked, notes.anchor)

    def _whole_log(self, budget: Budget) -> Steps[Shown]:
        """Compaction is off: everything that was said. Over budget it warns and never raises."""
        state = self.state
        rendered = state.live.whole() if state.live.version else state.live.renderer
        grounds = ("off", state.live.branch, state.live.last_seq, budget)
        if rendered.tokens > budget.input_tokens and state.seen != grounds:
            reason = off_reason(rendered.tokens, budget.input_tokens)
            logger.warning("%s", reason)
            task = state.task("pre_turn", "hard", BARE_RULE, budget)
            event = replace(
                state.failed(task, "infeasible", reason),
                tokens_before=rendered.tokens,
                tokens_after=rendered.tokens,
            )
            yield Call(lambda: self.compactor.report(event))
        state.seen, state.sent = grounds, None
        return Shown(rendered.messages, len(rendered.messages))
