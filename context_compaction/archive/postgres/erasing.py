"""Getting bytes out of the tables: what was deleted is in their pages until these are vacuumed.

That is as far as a client reaches. What the server keeps besides, its write-ahead log, replicas, backups and
the free space of its disks, is with whoever runs it.
"""

from __future__ import annotations

import logging

import psycopg

from context_compaction.archive.postgres.opening import Address, connect
from context_compaction.errors import ArchiveError

logger = logging.getLogger(__name__)
TABLES = (
    *("messages", "documents", "vectors", "blobs", "summaries", "views", "compactions", "pins", "calls"),
    *("branches", "sessions", "namespaces", "spans", "message_blobs", "summary_sources", "summary_ranges"),
)
# Indexes too, however little is to go from them; and nobody is locked out to make a file shorter.
VACUUM = f"VACUUM (INDEX_CLEANUP ON, TRUNCATE OFF) {', '.join(TABLES)}"


def vacuum(address: Address) -> None:
    """Take deleted rows out of tables and indexes. That it cannot be done is no error: the server will."""
    try:
        with connect(address) as connection:
            connection.execute(VACUUM.encode())
    except (psycopg.Error, ArchiveError) as error:
        logger.warning("%s: deleted rows wait for the server's own vacuum: %s", address.place, error)
