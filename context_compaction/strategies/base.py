"""What a rung of the ladder sees (`Scene`), and the two kinds of rung: on the CPU, or with a drafter.

A strategy is a pure function: it proposes a view; only the session commits one. Triggers, targets and
the choice of what may be touched are decided outside and reach it through the scene.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace

from context_compaction.budget import Budget
from context_compaction.counting import TokenCounter
from context_compaction.drafting.base import DraftRequest, DraftResult
from context_compaction.groups import MessageGroup, message_groups
from context_compaction.messages import Block
from context_compaction.tools import ToolRules
from context_compaction.view import Edited, LogRecord, LogWindow, Pin, SummaryRecord, View

Shown = tuple[tuple[LogRecord, Edited | None], ...]
"""Messages of a view in log order, each with its edit if it has one."""
DraftSteps = Generator[tuple[DraftRequest, ...], DraftResult, "Proposal"]
"""Yields requests, is sent what became of them, returns the proposal."""


@dataclass(slots=True)
class Memo:
    """What was worked out about one view: every rung asks for its size and its messages."""

    view: View | None = None
    summaries: Mapping[int, SummaryRecord] | None = None
    tokens: int | None = None
    shown: Shown | None = None
    by_seq: dict[int, int] | None = None
    """Tokens of each message as it is shown."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything a strategy may look at. ``view`` is settled: its head accounts for the whole log."""

    view: View
    log: LogWindow
    summaries: Mapping[int, SummaryRecord]
    """The summaries that the view shows, by id, those proposed in this compaction included."""
    budget: Budget
    counter: TokenCounter
    measure: Callable[[View, Mapping[int, SummaryRecord]], int]
    """Tokens of a view as it would be rendered, context message, pins and synthetic results included."""
    goal: int
    """Tokens to come down to: the rule's target."""
    hard: bool
    """Whether the view must get under ``budget.input_tokens``."""
    protected: frozenset[int]
    """Messages that this run neither edits nor lets go: the kept tail and the floor."""
    floor: frozenset[int]
    """Messages that may never leave (they may be clamped on HARD): system, newest user, newest group."""
    verbatim: frozenset[int]
    """Messages that may not be edited: system messages and those that somebody pinned."""
    pins: tuple[Pin, ...]
    turn_start: int
    """Number of the newest user message: the current turn begins there."""
    next_summary: int
    """The id that a new summary gets."""
    tools: ToolRules = field(default_factory=ToolRules)
    focus: str | None = None
    redact: Callable[[str], str] | None = None
    """What a drafter reads and what it writes goes through this, piece by piece; None: as it is."""
    drafter_window: int | None = None
    """Window of the first drafter of the chain, which bounds a summary's length."""
    references: bool = True
    """False without an archive: no ``m:`` or ``s:`` reference, no recall hint in any text."""

    written: frozenset[int] = frozenset()
    """Ids of the summaries proposed in this compaction."""
    memo: Memo = field(default_factory=Memo, compare=False, repr=False)

    @property
    def tokens(self) -> int:
        """Tokens of the view as it stands."""
        memo = self._memo()
        if memo.tokens is None:
            memo.tokens = self.measure(self.view, self.summaries)
        return memo.tokens

    @property
    def tokens_by_seq(self) -> Mapping[int, int]:
        """Tokens of each message as it is shown, edits counted."""
        memo = self._memo()
        if memo.by_seq is None:
            memo.by_seq = {
                record.seq: edit.tokens if edit else record.tokens for record, edit in self.shown()
            }
        return memo.by_seq

    def shown(self) -> Shown:
        """The messages shown, in log order, each with its edit if it has one."""
        memo = self._memo()
        if memo.shown is None:
            memo.shown = tuple(self.view.shown(self.log))
        return memo.shown

    def editable(self) -> Shown:
        """The messages that a rung may edit."""
        return tuple(pair for pair in self.shown() if self.may_edit(pair[0].seq))

    def may_edit(self, seq: int) -> bool:
        """Whether a rung may edit this message."""
        return seq not in self.protected and seq not in self.verbatim

    def movable(self) -> list[MessageGroup]:
        """The groups that may leave whole, oldest (by newest message) first."""
        groups = message_groups(record for record, _ in self.shown())
        free = [group for group in groups if self.protected.isdisjoint(group.seqs)]
        return sorted(free, key=lambda group: group.last)

    def edit(
        self, record: LogRecord, blocks: tuple[Block, ...], reason: str, earlier: Edited | None = None
    ) -> Edited:
        """An entry showing ``record`` with these blocks, counted; ``reason`` joins the earlier edit's."""
        tokens = self.counter.message(record.shown.with_blocks(blocks))
        if earlier is not None:
            reason = "+".join(dict.fromkeys([*earlier.reason.split("+"), reason]))
        return Edited(record.seq, blocks, reason, tokens)

    def redacted(self, text: str) -> str:
        """What of a text a drafter may read, and a summary say. Raises `TypeError` if that is no text."""
        if self.redact is None:
            return text
        shown = self.redact(text)
        if not isinstance(shown, str):  # pyright: ignore[reportUnnecessaryIsInstance] - it is the user's
            raise TypeError(f"the redactor returned {type(shown).__name__}, not text")
        return shown

    def asking(self, request: DraftRequest) -> DraftRequest:
        """The request with what every one of this scene goes along with: focus and pins, redacted."""
        focus = self.redacted(self.focus) if self.focus else None
        return replace(request, focus=focus, pins=tuple(self.redacted(pin.text) for pin in self.pins))

    def group_tokens(self, group: MessageGroup) -> int:
        """Tokens that the group takes in the view as it stands (edits counted)."""
        tokens = self.tokens_by_seq
        return sum(tokens[seq] for seq in group.seqs)

    def with_view(self, view: View, new: tuple[SummaryRecord, ...] = ()) -> Scene:
        """The scene after a proposal."""
        return replace(
            self,
            view=view,
            summaries={**self.summaries, **{summary.id: summary for summary in new}},
            next_summary=self.next_summary + len(new),
            written=self.written | {summary.id for summary in new},
            memo=Memo(),
        )

    def _memo(self) -> Memo:
        """The memo, emptied if `dataclasses.replace` gave the scene another view."""
        memo = self.memo
        if memo.view is not self.view or memo.summaries is not self.summaries:
            memo.view, memo.summaries = self.view, self.summaries
            memo.tokens = memo.shown = memo.by_seq = None
        return memo


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a rung wants: a view, with the summaries that it brings, and how it came about."""

    view: View
    summaries: tuple[SummaryRecord, ...] = ()
    draft: DraftResult | None = None
    """How the chain fared, when a draft was asked for."""
    note: str = ""
    """Why it did nothing, in words."""
    skipped_budget: bool = False
    """No room for a summary worth writing."""


class BaseRung(ABC):
    """What every rung of a ladder has."""

    name: str = "strategy"
    """Shown in reports."""
    drafts: bool
    """Whether it asks a drafter for text."""
    lossy = False
    """True for `Truncate` and `Clamp`: on SOFT they run only in ladders that have no drafter rung."""

    def wants(self, scene: Scene) -> bool:
        """Whether the rung should run now: as a rule, while the view is over the goal."""
        return scene.tokens > scene.goal


class Strategy(BaseRung):
    """One way to free tokens without a drafter."""

    drafts = False

    @abstractmethod
    def apply(self, scene: Scene) -> View:
        """The view after this rung; ``scene.view`` itself when there is nothing to do."""


class DrafterStrategy(BaseRung):
    """One way to free tokens that asks a drafter for text."""

    drafts = True

    @abstractmethod
    def propose(self, scene: Scene) -> DraftSteps:
        """Yield the draft requests, be sent what became of them, return the proposal."""


Rung = Strategy | DrafterStrategy
