"""The embedded archive: one SQLite file, or memory."""

from context_compaction.archive.sqlite.archive import SQLiteArchive

__all__ = ["SQLiteArchive"]
