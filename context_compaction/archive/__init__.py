"""What was said, kept: the archive's contract, the way to open one, and the SQLite backend."""

from context_compaction.archive.base import Archive, Forks
from context_compaction.archive.open import open_archive
from context_compaction.archive.records import (
    AppendBatch,
    Branch,
    BranchState,
    Commit,
    Forgotten,
    Fork,
    MessageSize,
    OutlineRow,
    Problem,
    Pruned,
    SearchDocument,
    SearchPool,
    StoredMessage,
    Tip,
)
from context_compaction.archive.retention import Retention
from context_compaction.archive.sqlite import SQLiteArchive

__all__ = [
    "AppendBatch",
    "Archive",
    "Branch",
    "BranchState",
    "Commit",
    "Forgotten",
    "Fork",
    "Forks",
    "MessageSize",
    "OutlineRow",
    "Problem",
    "Pruned",
    "Retention",
    "SQLiteArchive",
    "SearchDocument",
    "SearchPool",
    "StoredMessage",
    "Tip",
    "open_archive",
]
