"""Archives of schema version 1, written as that release wrote them. Frozen: its statements stand here.

Takes what `SQLiteArchive` takes, so that the same conversation can be put into either.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

from context_compaction.archive import AppendBatch, Commit, StoredMessage
from context_compaction.archive.sql.names import escaped
from context_compaction.archive.sql.payloads import shelved
from context_compaction.archive.sql.spans import FOREVER
from context_compaction.archive.sqlite.migrations import APPLICATION_ID, m001_initial
from context_compaction.events import CompactionEvent
from context_compaction.messages.storage import encode
from context_compaction.text.dates import epoch
from context_compaction.text.terms import message_terms, terms_of
from context_compaction.view import Pin, SummaryRecord, View
from context_compaction.view.entries import entry_to_json

FIND_ACTIVE = """
SELECT sessions.active FROM sessions JOIN namespaces ON namespaces.id = sessions.namespace
WHERE namespaces.name = ? AND sessions.session_id = ?
"""
ADD_NAMESPACE = "INSERT OR IGNORE INTO namespaces (name) VALUES (?)"
ADD_SESSION = """
INSERT INTO sessions (namespace, session_id, created_at)
SELECT id, ?, ? FROM namespaces WHERE name = ?
"""
ADD_BRANCH = "INSERT INTO branches (session, created_at) VALUES (?, ?)"
ADD_SPAN = "INSERT INTO spans (branch, ancestor, last_seq, last_summary) VALUES (?, ?, ?, ?)"
ACTIVATE = "UPDATE sessions SET active = ? WHERE id = ?"
WRITE_STATE = "UPDATE branches SET state = ? WHERE id = ?"
ADD_PIN = "INSERT OR IGNORE INTO pins (branch, ref, text) VALUES (?, ?, ?)"
TIP = "SELECT seq, hash FROM messages WHERE branch = ? ORDER BY seq DESC LIMIT 1"
NEXT_MESSAGE = "SELECT coalesce(max(id), 0) + 1 FROM messages"
ADD_MESSAGE = """
INSERT INTO messages (id, branch, seq, message_id, role, kind, group_first, tokens, counter, epoch, stored_at,
    supersedes, hash, features, payload)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
ADD_BLOB = "INSERT OR IGNORE INTO blobs (hash, encoding, data) VALUES (?, ?, ?)"
LINK_BLOB = "INSERT INTO message_blobs (message, blob) SELECT ?, id FROM blobs WHERE hash = ?"
OPEN_CALL = "INSERT INTO calls (branch, seq, position, call_id) VALUES (?, ?, ?, ?)"
CLOSE_CALL = "UPDATE calls SET closed_at = ? WHERE branch = ? AND seq = ? AND position = ?"
ANSWER_CALL = "UPDATE calls SET answered_by = ? WHERE branch = ? AND seq = ? AND position = ?"
NAMESPACE_OF = """
SELECT sessions.namespace FROM branches JOIN sessions ON sessions.id = branches.session WHERE branches.id = ?
"""
NEXT_DOCUMENT = "SELECT coalesce(max(id), 0) + 1 FROM documents"
LAST_DOCUMENT = """
SELECT sitting, at FROM documents WHERE branch = ? AND summary = 0 AND seq <= ? ORDER BY seq DESC LIMIT 1
"""
ADD_DOCUMENT = """
INSERT INTO documents (id, branch, seq, summary, role, sitting, at, length, terms)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
ADD_TERMS = "INSERT INTO search_index (rowid, terms) VALUES (?, ?)"
ADD_TOTALS = "UPDATE branches SET documents = documents + ?, terms = terms + ? WHERE id = ?"
ADVANCE = """
UPDATE branches SET version = ?, next_summary = max(next_summary, ?), state = ?
WHERE id = ? AND version = ?
"""
ADD_VIEW = "INSERT INTO views (branch, version, head_end, pins, entries) VALUES (?, ?, ?, ?, ?)"
ADD_SUMMARY = """
INSERT INTO summaries (branch, number, tokens, generation, writer, fidelity, text)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""
ADD_SOURCE = "INSERT INTO summary_sources (summary, position, source) VALUES (?, ?, ?)"
ADD_RANGE = "INSERT INTO summary_ranges (summary, first, last) VALUES (?, ?, ?)"
ADD_COMPACTION = """
INSERT INTO compactions (branch, at_seq, version, committed, happened_at, event) VALUES (?, ?, ?, ?, ?, ?)
"""
Row = tuple[object, ...]


class Opened(NamedTuple):
    branch: int


class Version1:
    """A file of version 1. A context manager; each method is a transaction."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        for statement in ("PRAGMA foreign_keys = ON", "PRAGMA synchronous = OFF", "BEGIN"):
            self._connection.execute(statement)
        for statement in m001_initial.STATEMENTS:
            self._connection.execute(statement)
        self._connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        self._connection.execute("PRAGMA user_version = 1")
        self._connection.execute("COMMIT")
        self._connection.execute("PRAGMA journal_mode = WAL")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def open_session(self, namespace: str, session_id: str) -> Opened:
        db, now = self._connection, time.time()
        found = db.execute(FIND_ACTIVE, (escaped(namespace), escaped(session_id))).fetchone()
        if found is not None:
            return Opened(found[0])
        db.execute("BEGIN IMMEDIATE")
        db.execute(ADD_NAMESPACE, (escaped(namespace),))
        session = db.execute(ADD_SESSION, (escaped(session_id), now, escaped(namespace))).lastrowid
        branch = db.execute(ADD_BRANCH, (session, now)).lastrowid
        assert branch is not None
        db.execute(ADD_SPAN, (branch, branch, FOREVER, FOREVER))
        db.execute(ACTIVATE, (branch, session))
        db.execute("COMMIT")
        return Opened(branch)

    def append(self, branch: int, batch: AppendBatch) -> None:
        db = self._connection
        db.execute("BEGIN IMMEDIATE")
        last, previous = db.execute(TIP, (branch,)).fetchone() or (0, b"")
        assert last == batch.after_seq
        key = db.execute(NEXT_MESSAGE).fetchone()[0]
        for offset, row in enumerate(batch.rows):
            previous = self._message(key + offset, branch, row, previous)
        self._calls(branch, batch)
        self._index_messages(branch, batch.rows)
        db.execute("COMMIT")

    def commit(self, branch: int, commit: Commit) -> None:
        db, view = self._connection, commit.view
        following = max((summary.id + 1 for summary in commit.summaries), default=1)
        db.execute("BEGIN IMMEDIATE")
        state = json.dumps(dict(commit.state))
        db.execute(ADVANCE, (view.version, following, state, branch, commit.base_version))
        db.execute(ADD_VIEW, (branch, *_view(view)))
        for summary in commit.summaries:
            row = (branch, summary.id, summary.tokens, summary.generation, summary.writer, summary.fidelity)
            key = db.execute(ADD_SUMMARY, (*row, json.dumps(summary.text))).lastrowid
            db.executemany(ADD_RANGE, [(key, first, last) for first, last in summary.ranges])
            db.executemany(ADD_SOURCE, [(key, at, source) for at, source in enumerate(summary.sources)])
        self._event(branch, commit.event)
        if commit.summaries:
            self._index_summaries(branch, commit.summaries)
        db.execute("COMMIT")

    def note(self, branch: int, state: Mapping[str, Any], event: CompactionEvent | None = None) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute(WRITE_STATE, (json.dumps(state), branch))
        if event is not None:
            self._event(branch, event)
        self._connection.execute("COMMIT")

    def pin(self, branch: int, pin: Pin) -> None:
        self._connection.execute(ADD_PIN, (branch, pin.ref, json.dumps(pin.text)))

    def _message(self, key: int, branch: int, row: StoredMessage, previous: bytes) -> bytes:
        message = row.message
        text, plain = encode(message)
        chained = hashlib.sha256(previous + plain).digest()
        payload, blobs = shelved(message, text)
        name = None if message.id is None else escaped(message.id)
        features = json.dumps(row.features.to_json(), separators=(",", ":"))
        placed = (key, branch, row.seq, name, message.role, row.kind, row.group, row.tokens, row.counter)
        rest = (epoch(message.timestamp), time.time(), row.supersedes, chained, features, payload)
        self._connection.execute(ADD_MESSAGE, (*placed, *rest))
        for blob in blobs:
            self._connection.execute(ADD_BLOB, (blob.hash, blob.encoding, blob.data))
            self._connection.execute(LINK_BLOB, (key, blob.hash))
        return chained

    def _calls(self, branch: int, batch: AppendBatch) -> None:
        db = self._connection
        closers = [row.seq for row in batch.rows if row.kind in ("plain", "call")]
        for call in batch.opened:
            db.execute(OPEN_CALL, (branch, call.seq, call.position, escaped(call.call_id)))
        for call in batch.closed:
            closer = next(seq for seq in closers if seq > call.seq)
            db.execute(CLOSE_CALL, (closer, branch, call.seq, call.position))
        for call, seq in batch.answered:
            db.execute(ANSWER_CALL, (seq, branch, call.seq, call.position))

    def _event(self, branch: int, event: CompactionEvent) -> None:
        row = (branch, event.at_seq, event.version, event.committed, time.time(), json.dumps(event.to_json()))
        self._connection.execute(ADD_COMPACTION, row)

    def _index_messages(self, branch: int, rows: Sequence[StoredMessage]) -> None:
        sitting, at = self._connection.execute(LAST_DOCUMENT, (branch, FOREVER)).fetchone() or (0, None)
        documents: list[Row] = []
        for row in rows:
            said = epoch(row.message.timestamp)
            if said is not None:
                sitting += at is not None and abs(said - at) > 3600.0
                at = said
            written, length = _written(message_terms(row.message))
            documents.append((row.seq, 0, row.message.role, sitting, at, length, written))
        self._index(branch, documents)

    def _index_summaries(self, branch: int, summaries: Iterable[SummaryRecord]) -> None:
        documents: list[Row] = []
        for summary in summaries:
            written, length = _written(terms_of(summary.text))
            first = summary.ranges[0][0] if summary.ranges else 0
            documents.append((first, summary.id, "summary", 0, None, length, written))
        self._index(branch, documents)

    def _index(self, branch: int, documents: Sequence[Row]) -> None:
        db = self._connection
        key, total = db.execute(NEXT_DOCUMENT).fetchone()[0], 0
        scope = f"~b{branch} ~n{db.execute(NAMESPACE_OF, (branch,)).fetchone()[0]}"
        for number, (*fields, length, written) in enumerate(documents, key):
            terms = f" {scope} {written} "
            db.execute(ADD_DOCUMENT, (number, branch, *fields, length, terms))
            db.execute(ADD_TERMS, (number, terms))
            total += length if isinstance(length, int) else 0
        db.execute(ADD_TOTALS, (len(documents), total, branch))


def _view(view: View) -> Row:
    pins = json.dumps([(pin.ref, pin.text) for pin in view.pins])
    entries = json.dumps([entry_to_json(entry) for entry in view.head], separators=(",", ":"))
    return view.version, view.head_end, pins, entries


def _written(counts: Counter[str]) -> tuple[str, int]:
    lines: list[str] = []
    level = list(counts)
    for times in range(1, 9):
        if level:
            lines.append(" ".join(level))
            level = [term for term in level if counts[term] > times]
    return " \n ".join(lines), counts.total()
