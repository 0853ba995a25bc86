"""Schema version 2: branches know their end, messages have a content digest and can become tombstones.

The messages table is built anew: what sync, prune and verify read must stand before ``payload``, or SQLite
would walk through all of a large payload to get at it.
"""

from __future__ import annotations

import sqlite3

from context_compaction.archive.sql.payloads import decoded
from context_compaction.archive.sqlite.migrations import m001_initial
from context_compaction.errors import ArchiveCorrupt
from context_compaction.messages.storage import content_digest, text_digest

# digest: of role, name and blocks alone. size: bytes of payload and features. A tombstone has pruned_at set,
# features and payload NULL; number, id, hash, digest and tokens stay.
MESSAGES = """
CREATE TABLE messages_2 (
    id INTEGER PRIMARY KEY,
    branch INTEGER NOT NULL REFERENCES branches(id) ON DELETE CASCADE,
    seq INTEGER NOT NULL,
    message_id TEXT,
    role TEXT NOT NULL,
    kind TEXT NOT NULL,
    group_first INTEGER NOT NULL,
    tokens INTEGER NOT NULL,
    counter TEXT NOT NULL,
    epoch REAL,
    stored_at REAL NOT NULL,
    supersedes INTEGER,
    hash BLOB NOT NULL,
    digest BLOB NOT NULL,
    size INTEGER NOT NULL,
    pruned_at REAL,
    features TEXT,
    payload TEXT,
    UNIQUE (branch, seq)
)
"""
COPY_MESSAGES = """
INSERT INTO messages_2 (id, branch, seq, message_id, role, kind, group_first, tokens, counter, epoch,
    stored_at, supersedes, hash, digest, size, features, payload)
SELECT id, branch, seq, message_id, role, kind, group_first, tokens, counter, epoch,
    stored_at, supersedes, hash, x'', length(payload) + length(features), features, payload
FROM messages ORDER BY id
"""
DROP_MESSAGES = "DROP TABLE messages"
RENAME_MESSAGES = "ALTER TABLE messages_2 RENAME TO messages"
NEXT_PAYLOADS = "SELECT id, seq, payload FROM messages WHERE id > ? ORDER BY id LIMIT 500"
SET_DIGEST = "UPDATE messages SET digest = ? WHERE id = ?"
# last_seq and tip: number and hash of the newest message that the branch sees.
BRANCH_COLUMNS = (
    "ALTER TABLE branches ADD COLUMN last_seq INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE branches ADD COLUMN tip BLOB NOT NULL DEFAULT x''",
)
SET_ENDS = """
UPDATE branches SET
    last_seq = coalesce((SELECT max(seq) FROM messages WHERE messages.branch = branches.id), 0),
    tip = coalesce(
        (SELECT hash FROM messages WHERE messages.branch = branches.id ORDER BY seq DESC LIMIT 1), x''
    )
"""
# What is oldest, and how much there is, without a look at the messages themselves. (pruned_at is always NULL
# in it; without the column SQLite would look it up.)
MESSAGES_BY_AGE = """
CREATE INDEX messages_by_age ON messages (stored_at, branch, role, size, pruned_at) WHERE pruned_at IS NULL
"""
# Work that outlives its transaction: 'erase' until the bytes of what was forgotten are gone from the file.
CHORES = "CREATE TABLE chores (name TEXT PRIMARY KEY, at REAL NOT NULL) WITHOUT ROWID"


def upgrade(connection: sqlite3.Connection) -> None:
    """Rebuild messages with digest and size, give branches their end (version 1 had no forks yet)."""
    for statement in (MESSAGES, COPY_MESSAGES, DROP_MESSAGES, RENAME_MESSAGES):
        connection.execute(statement)
    for statement in (m001_initial.MESSAGES_BY_ID, m001_initial.MESSAGES_SUPERSEDING):
        connection.execute(statement)
    _fill_digests(connection)
    for statement in (*BRANCH_COLUMNS, SET_ENDS, MESSAGES_BY_AGE, CHORES):
        connection.execute(statement)


def _fill_digests(connection: sqlite3.Connection) -> None:
    last = 0
    while rows := connection.execute(NEXT_PAYLOADS, (last,)).fetchall():
        for key, seq, payload in rows:
            connection.execute(SET_DIGEST, (_digest(connection, seq, payload), key))
        last = rows[-1][0]


def _digest(connection: sqlite3.Connection, seq: int, payload: str) -> bytes:
    """A message that cannot be read must not keep the rest from being opened: `verify` will name it."""
    try:
        return content_digest(decoded(connection, seq, payload))
    except ArchiveCorrupt:
        return text_digest(payload)
