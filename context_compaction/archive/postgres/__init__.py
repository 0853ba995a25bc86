"""The shared archive: a schema of a PostgreSQL database. Needs the ``postgres`` extra."""

from context_compaction.archive.postgres.archive import PostgresArchive

__all__ = ["PostgresArchive"]
