"""What an invariant looks at: a view before, the view proposed, and the log that both are of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from context_compaction.counting import TokenCounter
from context_compaction.render import RenderOptions
from context_compaction.view import Kept, LogRecord, LogWindow, SummaryRecord, View


@dataclass(frozen=True)
class Change:
    """One proposed compaction. ``before`` is settled, so both heads account for the whole log."""

    before: View
    after: View
    log: LogWindow
    summaries: Mapping[int, SummaryRecord]
    """Those that either view shows."""
    tokens_before: int
    tokens_after: int
    input_tokens: int
    hard: bool
    counter: TokenCounter
    options: RenderOptions

    @cached_property
    def shown_before(self) -> list[LogRecord]:
        """The messages shown before, edited or not."""
        return [record for record, _ in self.before.shown(self.log)]

    @cached_property
    def kept_after(self) -> set[int]:
        """Numbers of the messages shown after, edited or not."""
        return {record.seq for record, _ in self.after.shown(self.log)}

    @cached_property
    def whole_after(self) -> set[int]:
        """Numbers of the messages shown after as they were said."""
        return {entry.seq for entry in self.after.head if isinstance(entry, Kept)}


Invariant = Callable[[Change], str | None]
"""Returns what is wrong, in words; None when the invariant holds."""
