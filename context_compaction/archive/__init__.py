"""What was said, kept: the archive's contract, the way to open one, and the SQLite backend."""

from context_compaction.archive.base import Archive, Forks
from context_compaction.archive.open import open_archive
from context_compaction.archive.over_sessions import Moment, Place, Seat, Within
from context_compaction.archive.records import (
    AppendBatch,
    Branch,
    BranchState,
    Commit,
    Extent,
    Forgotten,
    Fork,
    MessageSize,
    Near,
    OutlineRow,
    Problem,
    Pruned,
    SearchDocument,
    SearchPool,
    StoredMessage,
    Tip,
    Upto,
    VectorModel,
)
from context_compaction.archive.retention import Retention
from context_compaction.archive.sqlite import SQLiteArchive

__all__ = [
    "AppendBatch",
    "Archive",
    "Branch",
    "BranchState",
    "Commit",
    "Extent",
    "Forgotten",
    "Fork",
    "Forks",
    "MessageSize",
    "Moment",
    "Near",
    "OutlineRow",
    "Place",
    "Problem",
    "Pruned",
    "Retention",
    "SQLiteArchive",
    "SearchDocument",
    "SearchPool",
    "Seat",
    "StoredMessage",
    "Tip",
    "Upto",
    "VectorModel",
    "Within",
    "open_archive",
]
