"""What a session knows between calls, and the questions that its operations ask of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from context_compaction.archive import Archive, BranchState, StoredMessage
from context_compaction.budget import Budget
from context_compaction.counting import Usage
from context_compaction.errors import StaleView
from context_compaction.events import CompactionEvent, Level, Side
from context_compaction.planner import Task, rungs_for
from context_compaction.planner.floor import compressible
from context_compaction.planner.scene import opening_scene
from context_compaction.policy import Rule
from context_compaction.policy.sizes import in_tokens
from context_compaction.session.livelog import LiveLog
from context_compaction.session.notes import Notes, latest, let_go_in, recalled_in
from context_compaction.session.settings import Settings
from context_compaction.session.staging import Staged
from context_compaction.view import LogRecord, Pin

logger = logging.getLogger(__name__)


class SessionState:
    """The live log, pins and notes of one session. Changed only under the session's single flight."""

    def __init__(self, archive: Archive, settings: Settings) -> None:
        self.archive = archive
        self.settings = settings
        self.seen: tuple[Any, ...] | None = None
        """What the last `context` decided on: while it is the same, so is the decision."""
        self.sent: tuple[int, int, int] | None = None
        """View version, raw tokens and overhead of the context last handed out."""
        self.crowded = False
        """Whether others were found to write to this session: then an append had better look first."""
        self._asked = settings.budget
        """What the last call that named an overhead had."""
        self.load()

    def load(self) -> None:
        """Take the session up as the archive has it."""
        found = self.archive.open_session(self.settings.namespace, self.settings.session_id)
        self.take_up(found)

    def take_up(self, found: BranchState) -> None:
        """Go on with a branch as the archive has it."""
        settings = self.settings
        live = LiveLog(self.archive, found, settings.counter, settings.options, settings.cues)
        notes = Notes.from_json(found.state, settings.counter.name)
        pins: tuple[Pin, ...] = found.pins
        if settings.is_pinned is not None and notes.judged_to < found.last_seq:
            pins = self._pinned(found, live.window().records.values())
            notes.judged_to = found.last_seq
        self.live, self.notes, self.pins = live, notes, pins
        self.seen = self.sent = None

    def notice(self) -> None:
        """Take up what another writer of the session appended, compacted or forked, if one did."""
        live, tip = self.live, self.archive.tip(self.live.branch)
        self.crowded = tip != (live.last_seq, live.version, True)
        if not tip.active or tip.version != live.version or tip.last_seq < live.last_seq:
            self.load()
        elif tip.last_seq > live.last_seq:
            self._follow(live.news(tip.last_seq))

    def recover(self) -> None:
        """`notice` after a lost race; a session that was forgotten meanwhile begins anew."""
        try:
            self.notice()
        except StaleView:
            self.load()

    def catch_up(self) -> None:
        """Take up what another writer of the session did since: its appends, compactions and pins."""
        if not self.archive.tip(self.live.branch).active:
            self.load()
        found = self.archive.state(self.live.branch)
        if (found.last_seq, found.view.version) != (self.live.last_seq, self.live.version):
            self.take_up(found)
        self.pins = found.pins
        self.notes.let_go |= let_go_in(found.state)
        self.notes.recalled = latest(recalled_in(found.state), self.notes.recalled)

    def note(self, event: CompactionEvent | None = None) -> None:
        """Keep the session's notes, and the report of an attempt. What others unpinned or heard stays so."""
        kept = self.archive.state(self.live.branch).state
        self.notes.recalled = latest(recalled_in(kept), self.notes.recalled)
        notes = replace(
            self.notes,
            let_go=self.notes.let_go | let_go_in(kept),
            heard_to=max(self.notes.heard_to, kept.get("heard_to", 0)),
        )
        self.archive.note(self.live.branch, notes.to_json(), event)

    def store(self, staged: Staged) -> None:
        """Write messages to the archive with the pins that they are to have, then show them."""
        pins = self._wanted_pins(staged.records)
        self.live.store(staged.pinning(pins))
        self.pins = (*self.pins, *pins)
        self._judged()

    def _follow(self, rows: Sequence[StoredMessage]) -> None:
        """Show what another writer appended. It has pinned what it was told to; here others may be told."""
        if self._wanted_pins(rows):
            self.pins = self._pinned(self.archive.state(self.live.branch), rows)
        self.live.follow(rows)
        self._judged()

    def _pinned(self, found: BranchState, rows: Iterable[LogRecord | StoredMessage]) -> tuple[Pin, ...]:
        """The pins of a branch, with those that ``is_pinned`` wants and nobody has judged yet."""
        judged_to = found.state.get("judged_to", 0)
        wanted = self._wanted_pins(row for row in rows if row.seq > judged_to)
        new = [pin for pin in wanted if pin not in found.pins]
        if new:
            self.archive.pin(found.branch, *new)
        return (*found.pins, *new)

    def _wanted_pins(self, rows: Iterable[LogRecord | StoredMessage]) -> list[Pin]:
        """What ``is_pinned`` says. Asked before anything is written: it may raise."""
        wanted = self.settings.is_pinned
        if wanted is None:
            return []
        return [Pin.of(row.seq, row.message) for row in rows if wanted(row.message)]

    def _judged(self) -> None:
        """From here on only the user decides: an unpinned message is not pinned again."""
        if self.settings.is_pinned is not None:
            self.notes.judged_to = self.live.last_seq

    def add_pin(self, pin: Pin) -> None:
        """Pin in the archive, then here. Shows at the next compaction."""
        if pin not in self.pins:
            self.archive.pin(self.live.branch, pin)
            self.pins = (*self.pins, pin)

    def remove_pins(self, seq: int) -> None:
        """Let go of every pin on a message."""
        # With it, that ``is_pinned`` was asked already, and that nothing of it pins itself: opened again, the
        # session must not pin it anew.
        notes = replace(
            self.notes, judged_to=max(self.notes.judged_to, seq), let_go=self.notes.let_go | {seq}
        )
        self.archive.unpin(self.live.branch, f"m:{seq}", notes.to_json())
        self.notes = notes
        self.pins = tuple(pin for pin in self.pins if pin.seq != seq)

    def budget(self, overhead: int | None) -> Budget:
        """The session's budget, or with the overhead that this call names."""
        if overhead is None:
            return self.settings.budget
        if self._asked.overhead_tokens != overhead:
            self._asked = self._asked.with_overhead(overhead)
        return self._asked

    def scaled(self, raw: int, overhead: int) -> int:
        """Tokens of a view by the larger of raw and calibrated count."""
        return self.scaling(overhead)(raw)

    def scaling(self, overhead: int) -> Callable[[int], int]:
        """`scaled` as things stand now: what is appended or reported later does not change its answers."""
        calibration, anchor, now = self.notes.calibration, self.notes.anchor, self.live.renderer.tokens
        # While the view is the one that was reported on, the report is the better measure; a candidate
        # view is scaled alike, so that a compaction judges before and after on the same basis.
        told = 0
        if anchor is not None and anchor[0] == self.live.view.version:
            told = calibration.anchored(Usage(anchor[2]), now - anchor[1])

        def scale(raw: int) -> int:
            # The estimate is what will hold once a candidate is the view and no report is of it.
            return max(raw, -(-raw * told // now), calibration.estimate(raw + overhead) - overhead)

        return scale

    def level(self, rule: Rule, budget: Budget) -> Level:
        """NONE, SOFT or HARD for the view as it stands."""
        tokens = self.scaled(self.live.renderer.tokens, budget.overhead_tokens)
        return rule.level(tokens, len(self.live.renderer.messages), budget.input_tokens)

    def task(
        self,
        side: Side,
        level: Level,
        rule: Rule,
        budget: Budget,
        *,
        focus: str | None = None,
        whole: bool = False,
    ) -> Task:
        """What the planner is to look at."""
        settings, live = self.settings, self.live
        overhead = budget.overhead_tokens
        return Task(
            view=live.view,
            log=live.window(),
            summaries=live.summaries,
            budget=budget,
            rule=rule,
            side=side,
            level=level,
            counter=settings.counter,
            next_summary=live.next_summary,
            pins=self.pins,
            instructions=settings.policy.instructions,
            heard_to=self.notes.heard_to,
            let_go=self.notes.let_go,
            tools=settings.tools,
            options=settings.options,
            scale=self.scaling(overhead),
            focus=focus,
            redact=settings.redact,
            drafter_window=settings.chain.window,
            whole_ladder=whole,
        )

    def armed(self, task: Task) -> bool:
        """Whether SOFT may be tried on this side (design §3, no thrash), and there is anything to try."""
        if not rungs_for(task):
            return False
        least = in_tokens(task.rule.min_reclaim, task.budget.input_tokens) or 0
        if task.side not in self.notes.attempts:
            return True
        return self.notes.armed(task.side, compressible(opening_scene(task)), least)

    def remember_attempt(self, task: Task, event: CompactionEvent) -> None:
        """After a SOFT attempt: armed again if the view got under the trigger, else once it has grown."""
        if task.level != "soft":
            return
        messages = len(self.live.renderer.messages) - event.removed
        if task.rule.fires(event.tokens_after, messages, task.budget.input_tokens):
            left = compressible(opening_scene(task)) - event.tokens_saved
            self.notes.attempts[task.side] = max(0, left)
        else:
            self.notes.attempts.pop(task.side, None)

    def observe(self, reported: Usage | Mapping[str, Any]) -> None:
        """Calibrate by what the provider reported for the context last handed out."""
        try:
            usage = Usage.from_any(reported)
        except ValueError as error:
            logger.warning("usage is left out: %s", error)
            return
        if self.sent is None:
            return
        (version, raw, overhead), self.sent = self.sent, None
        if not 0 < usage.total_tokens <= self.settings.budget.context_window:
            # Nobody's request is larger than the window: this is a sum over several, or another model's.
            logger.warning("usage of %d tokens is not of this request; left out", usage.total_tokens)
            return
        self.notes.calibration = self.notes.calibration.observe(raw + overhead, usage)
        if not self.notes.calibration.doubted:
            self.notes.anchor = (version, raw, max(0, usage.input_tokens - overhead))

    def failed(
        self,
        task: Task,
        outcome: Any,
        reason: str,
        items: tuple[tuple[str, int], ...] = (),
    ) -> CompactionEvent:
        """The report of an attempt that commits nothing."""
        tokens = self.scaled(self.live.renderer.tokens, task.budget.overhead_tokens)
        return CompactionEvent(
            task.side,
            task.level,
            outcome,
            tokens,
            tokens,
            reason=reason,
            items=items,
            version=task.view.version,
            at_seq=self.live.last_seq,
        )
