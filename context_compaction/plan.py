"""`CompactionPlan`: what the ladder proposes. A value; nothing happened yet."""

from __future__ import annotations

from dataclasses import dataclass

from context_compaction.events import CompactionEvent
from context_compaction.view import SummaryRecord, View


@dataclass(frozen=True, slots=True)
class CompactionPlan:
    """One proposed compaction from view version ``base_version`` to the next."""

    base_version: int
    view: View
    """The view it would give, version ``base_version + 1``; the base view itself when nothing is proposed."""
    summaries: tuple[SummaryRecord, ...]
    """Summaries to be written with it, those that `Distill` already replaced included."""
    event: CompactionEvent
    """The report so far, not committed."""

    @property
    def proposes(self) -> bool:
        """Whether there is anything to commit."""
        return self.view.version > self.base_version
