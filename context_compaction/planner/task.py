"""`Task`: everything one planning run looks at, as an immutable value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from context_compaction.budget import Budget
from context_compaction.counting import TokenCounter
from context_compaction.events import Level, Side
from context_compaction.policy import Rule, StandingInstructions
from context_compaction.render import RenderOptions
from context_compaction.tools import ToolRules
from context_compaction.view import LogWindow, Pin, SummaryRecord, View


def unscaled(tokens: int) -> int:
    """The count as it is: no calibration."""
    return tokens


@dataclass(frozen=True, slots=True)
class Task:
    """A view to be compacted, why, and by which rule."""

    view: View
    log: LogWindow
    summaries: Mapping[int, SummaryRecord]
    """Those that the view shows, by id."""
    budget: Budget
    rule: Rule
    side: Side
    level: Level
    counter: TokenCounter
    next_summary: int = 1
    pins: tuple[Pin, ...] = ()
    """Those that were set, as they stand now; the new view shows them."""
    instructions: StandingInstructions | None = None
    """How others pin themselves; None: they do not."""
    heard_to: int = 0
    """The last message whose standing instructions the view knows."""
    let_go: frozenset[int] = frozenset()
    """Messages that were unpinned: they pin nothing by themselves."""
    tools: ToolRules = field(default_factory=ToolRules)
    options: RenderOptions = field(default_factory=RenderOptions)
    scale: Callable[[int], int] = unscaled
    """Raw tokens of a view to the larger of raw and calibrated."""
    focus: str | None = None
    redact: Callable[[str], str] | None = None
    """Stands between what was said and a drafter, and over what that writes."""
    drafter_window: int | None = None
    whole_ladder: bool = False
    """Run drafter rungs on a pre-turn SOFT too (stateless use, a provider-style threshold)."""

    @property
    def hard(self) -> bool:
        """Whether the view must end inside the input budget."""
        return self.level == "hard"
