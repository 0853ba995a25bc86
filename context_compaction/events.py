"""`CompactionEvent`: the report of one attempted compaction, and the observers that get it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from context_compaction.displayed import Displayed

Side = Literal["pre_turn", "post_turn", "manual", "stateless"]
Level = Literal["none", "soft", "hard"]
Outcome = Literal[
    "reduced",
    "summarized",
    "fell_back",
    "cancelled",
    "nothing_to_do",
    "infeasible",
    "skipped_budget",
]


@dataclass(frozen=True, slots=True)
class RungReport:
    """What one rung of the ladder did to the view."""

    rung: str
    tokens_before: int
    tokens_after: int
    note: str = ""
    """Why it did nothing or less than it could, in words; empty when there is nothing to say."""


@dataclass(frozen=True, slots=True)
class FactCount:
    """What became of the distinct hard facts of messages that left, the user's instructions included."""

    kept: int
    """Still in the view: in a summary, a pin or a message."""
    recallable: int
    """Only in the archive."""
    lost: int
    """Nowhere: there is no archive."""


@dataclass(frozen=True, slots=True)
class CompactionEvent(Displayed):
    """One attempted compaction. Token numbers are of the rendered view, overhead not included."""

    trigger: Side
    """Which side asked."""
    level: Level
    """``soft`` over the rule's trigger, ``hard`` over the input budget, ``none`` when asked by hand."""
    outcome: Outcome
    tokens_before: int
    tokens_after: int
    writer: str | None = None
    """Name of the drafter whose text is in the view now, None when no summary was written."""
    fell_back_from: tuple[str, ...] = ()
    """Configured drafters that failed before ``writer`` wrote."""
    reason: str = ""
    """Why it ended as it did, in words."""
    rungs: tuple[RungReport, ...] = ()
    fidelity: float | None = None
    """Share of the hard facts of the removed range still carried, None when no summary was written."""
    facts: FactCount | None = None
    """What became of the hard facts of the messages that left, None when no draft was asked for."""
    committed: bool = False
    version: int = 0
    """View version after the attempt."""
    at_seq: int = 0
    """Number of the newest message in the log at the attempt: its commit position."""
    removed: int = 0
    """Messages that left the view."""
    edited: int = 0
    """Messages that it edited, or edited anew, and that the view shows so."""
    ms: float = 0.0
    """Wall time from decision to commit, in milliseconds."""
    items: tuple[tuple[str, int], ...] = ()
    """The itemised floor when ``infeasible``."""

    @property
    def tokens_saved(self) -> int:
        """Tokens that the next request is smaller by; 0 when nothing was committed."""
        return self.tokens_before - self.tokens_after if self.committed else 0

    def to_json(self) -> dict[str, Any]:
        """Plain data, ``tokens_saved`` included."""
        return {**asdict(self), "tokens_saved": self.tokens_saved}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> CompactionEvent:
        """The event that `to_json` wrote."""
        fields = {key: value for key, value in data.items() if key != "tokens_saved"}
        fields["rungs"] = tuple(RungReport(**rung) for rung in fields["rungs"])
        fields["fell_back_from"] = tuple(fields["fell_back_from"])
        if fields.get("facts") is not None:
            fields["facts"] = FactCount(**fields["facts"])
        fields["items"] = tuple((what, tokens) for what, tokens in fields["items"])
        return cls(**fields)


class CompactionObserver:
    """Override what you need; pass instances as ``observers=``. Do not call the session from inside."""

    def starting_compaction(self, event: CompactionEvent) -> None:
        """Called when an attempt begins, before anything is planned or drafted: its trigger, level, size.

        Not for a plan made in the background, which nobody waits for.
        """

    def before_compaction(self, event: CompactionEvent) -> bool | None:  # noqa: ARG002 - for overriding
        """Called with the plan before it is committed. Return False to veto; HARD ones cannot be vetoed."""
        return None

    def after_compaction(self, event: CompactionEvent) -> None:
        """Called once the attempt is over, whatever its outcome."""
