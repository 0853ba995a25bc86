"""The tables of schema version 1.

Names that users choose (sessions, messages, calls) are stored escaped, and all else as ASCII JSON: lone
surrogates and NUL survive, and another database could hold the same bytes. ``branch`` numbers are never
used again, so that a session which was forgotten meanwhile cannot write into a newer one's log.

A branch sees its own rows and those of its ancestors up to its ``spans``. A message that was pruned keeps
its row with ``payload`` NULL: number, hash and tokens stay.
"""

from __future__ import annotations

import sqlite3

NAMESPACES = """
CREATE TABLE namespaces (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
)
"""
SESSIONS = """
CREATE TABLE sessions (
    id INTEGER PRIMARY KEY,
    namespace INTEGER NOT NULL REFERENCES namespaces(id),
    session_id TEXT NOT NULL,
    active INTEGER,
    created_at REAL NOT NULL,
    UNIQUE (namespace, session_id)
)
"""
# documents and terms are what the branch sees, ancestors included: search needs totals without a scan.
BRANCHES = """
CREATE TABLE branches (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    session INTEGER NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,
    parent INTEGER REFERENCES branches(id),
    fork_at INTEGER NOT NULL DEFAULT 0,
    version INTEGER NOT NULL DEFAULT 0,
    next_summary INTEGER NOT NULL DEFAULT 1,
    documents INTEGER NOT NULL DEFAULT 0,
    terms INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL DEFAULT '{}',
    created_at REAL NOT NULL
)
"""
BRANCHES_BY_SESSION = "CREATE INDEX branches_by_session ON branches (session)"
BRANCHES_BY_PARENT = "CREATE INDEX branches_by_parent ON branches (parent) WHERE parent IS NOT NULL"
SPANS = """
CREATE TABLE spans (
    branch INTEGER NOT NULL REFERENCES branches(id) ON DELETE CASCADE,
    ancestor INTEGER NOT NULL REFERENCES branches(id),
    last_seq INTEGER NOT NULL,
    last_summary INTEGER NOT NULL,
    PRIMARY KEY (branch, ancestor)
) WITHOUT ROWID
"""
SPANS_BY_ANCESTOR = "CREATE INDEX spans_by_ancestor ON spans (ancestor)"
# payload stands last: rows are read past it without touching its overflow pages.
MESSAGES = """
CREATE TABLE messages (
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
    features TEXT,
    payload TEXT,
    UNIQUE (branch, seq)
)
"""
MESSAGES_BY_ID = (
    "CREATE UNIQUE INDEX messages_by_id ON messages (branch, message_id) WHERE message_id IS NOT NULL"
)
MESSAGES_SUPERSEDING = (
    "CREATE INDEX messages_superseding ON messages (branch, seq) WHERE supersedes IS NOT NULL"
)
BLOBS = """
CREATE TABLE blobs (
    id INTEGER PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    encoding TEXT NOT NULL,
    data BLOB NOT NULL
)
"""
MESSAGE_BLOBS = """
CREATE TABLE message_blobs (
    message INTEGER NOT NULL REFERENCES messages(id) ON DELETE CASCADE,
    blob INTEGER NOT NULL REFERENCES blobs(id),
    PRIMARY KEY (message, blob)
) WITHOUT ROWID
"""
MESSAGE_BLOBS_BY_BLOB = "CREATE INDEX message_blobs_by_blob ON message_blobs (blob)"
# A fork copies the rows that were unanswered or closed at its seq: the state is the branch's own.
CALLS = """
CREATE TABLE calls (
    branch INTEGER NOT NULL REFERENCES branches(id) ON DELETE CASCADE,
    seq INTEGER NOT NULL,
    position INTEGER NOT NULL,
    call_id TEXT NOT NULL,
    closed_at INTEGER,
    answered_by INTEGER,
    PRIMARY KEY (branch, seq, position)
) WITHOUT ROWID
"""
CALLS_PENDING = """
CREATE INDEX calls_pending ON calls (branch, seq, position)
WHERE answered_by IS NULL OR closed_at IS NOT NULL
"""
SUMMARIES = """
CREATE TABLE summaries (
    id INTEGER PRIMARY KEY,
    branch INTEGER NOT NULL REFERENCES branches(id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    tokens INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    writer TEXT NOT NULL,
    fidelity REAL NOT NULL,
    text TEXT NOT NULL,
    UNIQUE (branch, number)
)
"""
SUMMARY_SOURCES = """
CREATE TABLE summary_sources (
    summary INTEGER NOT NULL REFERENCES summaries(id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    source INTEGER NOT NULL,
    PRIMARY KEY (summary, position)
) WITHOUT ROWID
"""
SUMMARY_RANGES = """
CREATE TABLE summary_ranges (
    summary INTEGER NOT NULL REFERENCES summaries(id) ON DELETE CASCADE,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (summary, first)
) WITHOUT ROWID
"""
VIEWS = """
CREATE TABLE views (
    branch INTEGER NOT NULL REFERENCES branches(id) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    head_end INTEGER NOT NULL,
    pins TEXT NOT NULL,
    entries TEXT NOT NULL,
    PRIMARY KEY (branch, version)
)
"""
COMPACTIONS = """
CREATE TABLE compactions (
    id INTEGER PRIMARY KEY,
    branch INTEGER NOT NULL REFERENCES branches(id) ON DELETE CASCADE,
    at_seq INTEGER NOT NULL,
    version INTEGER NOT NULL,
    committed INTEGER NOT NULL,
    happened_at REAL NOT NULL,
    event TEXT NOT NULL
)
"""
COMPACTIONS_BY_BRANCH = "CREATE INDEX compactions_by_branch ON compactions (branch, at_seq)"
PINS = """
CREATE TABLE pins (
    id INTEGER PRIMARY KEY,
    branch INTEGER NOT NULL REFERENCES branches(id) ON DELETE CASCADE,
    ref TEXT NOT NULL,
    text TEXT NOT NULL,
    UNIQUE (branch, ref, text)
)
"""
# What search ranks: one row a message (summary = 0) or summary. "at" is the last timestamp known by then.
DOCUMENTS = """
CREATE TABLE documents (
    id INTEGER PRIMARY KEY,
    branch INTEGER NOT NULL REFERENCES branches(id) ON DELETE CASCADE,
    seq INTEGER NOT NULL,
    summary INTEGER NOT NULL DEFAULT 0,
    role TEXT NOT NULL,
    sitting INTEGER NOT NULL,
    at REAL,
    length INTEGER NOT NULL,
    terms TEXT NOT NULL,
    UNIQUE (branch, summary, seq)
)
"""
# Terms are analysed by us: SQLite only splits at spaces, and knows which rows hold a term.
SEARCH_INDEX = """
CREATE VIRTUAL TABLE search_index USING fts5(
    terms, content = 'documents', content_rowid = 'id', detail = 'none', columnsize = 0,
    tokenize = "ascii tokenchars '!#$%&()*+,-./:;<=>?@[\\]^_`{|}~'"
)
"""

STATEMENTS = (
    NAMESPACES,
    SESSIONS,
    BRANCHES,
    BRANCHES_BY_SESSION,
    BRANCHES_BY_PARENT,
    SPANS,
    SPANS_BY_ANCESTOR,
    MESSAGES,
    MESSAGES_BY_ID,
    MESSAGES_SUPERSEDING,
    BLOBS,
    MESSAGE_BLOBS,
    MESSAGE_BLOBS_BY_BLOB,
    CALLS,
    CALLS_PENDING,
    SUMMARIES,
    SUMMARY_SOURCES,
    SUMMARY_RANGES,
    VIEWS,
    COMPACTIONS,
    COMPACTIONS_BY_BRANCH,
    PINS,
    DOCUMENTS,
    SEARCH_INDEX,
)


def upgrade(connection: sqlite3.Connection) -> None:
    """Log, branches, views, summaries with lineage, pins, compactions, search."""
    for statement in STATEMENTS:
        connection.execute(statement)
