"""Where everything meets: the session, its drivers, its background work."""

from context_compaction.session.passages import Passage
from context_compaction.session.session import Session
from context_compaction.session.stats import SessionStats
from context_compaction.session.sync import SyncResult

__all__ = ["Passage", "Session", "SessionStats", "SyncResult"]
