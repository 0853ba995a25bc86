"""`html_of`: from a value to the module that shows it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from context_compaction.comparing import Comparison
from context_compaction.display.comparison import comparison_html
from context_compaction.display.event import event_html
from context_compaction.display.hits import hit_html, hits_html
from context_compaction.display.messages import list_html, message_html
from context_compaction.display.session import asked_html, report_html
from context_compaction.events import CompactionEvent
from context_compaction.messages import Message, MessageList
from context_compaction.recall import HitList, SearchHit
from context_compaction.session import Session, SessionReport


def html_of(value: object) -> str:
    """The value as HTML that stands alone. Raises `TypeError` for one that has no display."""
    match value:
        case Session():
            return asked_html(value.session_id, value.report)
        case SessionReport():
            return report_html(value)
        case CompactionEvent():
            return event_html(value)
        case Message():
            return message_html(value)
        case MessageList():
            return list_html(value)
        case SearchHit():
            return hit_html(value)
        case HitList():
            return hits_html(cast("Sequence[SearchHit]", value))
        case Comparison():
            return comparison_html(value)
        case _:
            raise TypeError(f"{type(value).__name__} has no display")
