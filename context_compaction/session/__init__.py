"""Where everything meets: the session, its drivers, its background work."""

from context_compaction.session.report import SessionReport
from context_compaction.session.session import Session
from context_compaction.session.stats import SessionStats
from context_compaction.session.sync import SyncResult
from context_compaction.session.timeline import Point, Timeline

__all__ = ["Point", "Session", "SessionReport", "SessionStats", "SyncResult", "Timeline"]
