"""Where everything meets: the session, its drivers, its background work."""

from context_compaction.session.passages import Passage
from context_compaction.session.report import SessionReport
from context_compaction.session.session import Session
from context_compaction.session.stats import SessionStats
from context_compaction.session.sync import SyncResult
from context_compaction.session.timeline import Point, Timeline

__all__ = ["Passage", "Point", "Session", "SessionReport", "SessionStats", "SyncResult", "Timeline"]
