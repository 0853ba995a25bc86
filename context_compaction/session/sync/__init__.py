"""Making a log equal to a list that somebody else keeps."""

from context_compaction.session.sync.flow import Syncer
from context_compaction.session.sync.result import SyncResult

__all__ = ["SyncResult", "Syncer"]
