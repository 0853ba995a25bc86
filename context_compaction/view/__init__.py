"""What the model sees, as values: log records, view entries, pins, views."""

from context_compaction.view.entries import (
    Edited,
    Entry,
    Gap,
    Kept,
    Pin,
    Range,
    Summary,
    SummaryRecord,
    range_text,
    ranges_of,
)
from context_compaction.view.fork import forked, last_shared_summary, usable
from context_compaction.view.record import LogRecord, LogWindow
from context_compaction.view.view import View

__all__ = [
    "Edited",
    "Entry",
    "Gap",
    "Kept",
    "LogRecord",
    "LogWindow",
    "Pin",
    "Range",
    "Summary",
    "SummaryRecord",
    "View",
    "forked",
    "last_shared_summary",
    "range_text",
    "ranges_of",
    "usable",
]
