"""What was said, kept: the archive's contract, the way to open one, and the SQLite backend."""

from context_compaction.archive.base import (
    AppendBatch,
    Archive,
    BranchState,
    Commit,
    SearchDocument,
    SearchPool,
    StoredMessage,
)
from context_compaction.archive.open import open_archive
from context_compaction.archive.sqlite import SQLiteArchive

__all__ = [
    "AppendBatch",
    "Archive",
    "BranchState",
    "Commit",
    "SQLiteArchive",
    "SearchDocument",
    "SearchPool",
    "StoredMessage",
    "open_archive",
]
