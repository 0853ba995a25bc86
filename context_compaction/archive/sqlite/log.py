"""The append-only log: rows with their hash chain, media, and calls."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from context_compaction.archive.records import AppendBatch, MessageSize, OutlineRow, StoredMessage
from context_compaction.archive.sqlite.names import escaped, listed, unescaped
from context_compaction.archive.sqlite.payloads import Blob, decoded, shelved
from context_compaction.archive.sqlite.spans import ACTIVATE, Span, clipped, gone, left
from context_compaction.archive.tombstones import tombstone
from context_compaction.errors import DuplicateMessage, StaleView
from context_compaction.groups import Kind
from context_compaction.messages.storage import canonical, content_digest, encode
from context_compaction.text.dates import epoch
from context_compaction.text.features import Features, features_of
from context_compaction.view import Range

END = """
SELECT branches.last_seq, branches.tip, sessions.active = branches.id
FROM branches JOIN sessions ON sessions.id = branches.session WHERE branches.id = ?
"""
ADVANCE = "UPDATE branches SET last_seq = ?, tip = ? WHERE id = ?"
NEXT_MESSAGE = "SELECT coalesce(max(id), 0) + 1 FROM messages"
ADD_MESSAGE = """
INSERT INTO messages (id, branch, seq, message_id, role, kind, group_first, tokens, counter, epoch, stored_at,
    supersedes, hash, digest, size, features, payload)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
ADD_BLOB = "INSERT OR IGNORE INTO blobs (hash, encoding, data) VALUES (?, ?, ?)"
LINK_BLOB = "INSERT INTO message_blobs (message, blob) SELECT ?, id FROM blobs WHERE hash = ?"
OPEN_CALL = "INSERT INTO calls (branch, seq, position, call_id) VALUES (?, ?, ?, ?)"
CLOSE_CALL = "UPDATE calls SET closed_at = ? WHERE branch = ? AND seq = ? AND position = ?"
ANSWER_CALL = "UPDATE calls SET answered_by = ? WHERE branch = ? AND seq = ? AND position = ?"
READ_MESSAGES = """
SELECT seq, payload, group_first, kind, tokens, counter, features, supersedes, hash, pruned_at FROM messages
WHERE branch = ? AND seq BETWEEN ? AND ? ORDER BY seq
"""
TOTALS = "SELECT count(*), coalesce(sum(tokens), 0) FROM messages WHERE branch = ? AND seq BETWEEN ? AND ?"
SIZES = """
SELECT tokens, pruned_at IS NOT NULL FROM messages WHERE branch = ? AND seq BETWEEN ? AND ? ORDER BY seq
"""
FIND_IDS = """
SELECT message_id, seq, digest FROM messages
WHERE branch = ? AND message_id IN (SELECT value FROM json_each(?)) AND seq <= ?
"""
OUTLINE = """
SELECT seq, message_id, digest, role, kind, supersedes, pruned_at IS NOT NULL FROM messages
WHERE branch = ? AND seq BETWEEN ? AND ? ORDER BY seq
"""


@dataclass(frozen=True, slots=True)
class Prepared:
    """One row worked out before the transaction: all but what depends on the row before."""

    row: StoredMessage
    epoch: float | None
    canonical: bytes
    digest: bytes
    features: str
    payload: str
    blobs: tuple[Blob, ...]


def prepare(rows: Sequence[StoredMessage]) -> list[Prepared]:
    """Encode rows. Needs no connection, so no lock is held meanwhile."""
    return [_prepared(row) for row in rows]


def append(connection: sqlite3.Connection, branch: int, batch: AppendBatch, rows: Sequence[Prepared]) -> None:
    """Write the rows behind the end of the log. Raises `StaleView` if the end has moved."""
    previous = _end(connection, branch, batch)
    key = connection.execute(NEXT_MESSAGE).fetchone()[0]
    now = time.time()
    for offset, prepared in enumerate(rows):
        previous = hashlib.sha256(previous + prepared.canonical).digest()
        try:
            connection.execute(ADD_MESSAGE, _values(prepared, key + offset, branch, now, previous))
        except sqlite3.IntegrityError as error:
            _explain(error, prepared.row, offset)
            raise
        for blob in prepared.blobs:
            connection.execute(ADD_BLOB, (blob.hash, blob.encoding, blob.data))
            connection.execute(LINK_BLOB, (key + offset, blob.hash))
    if rows:
        connection.execute(ADVANCE, (rows[-1].row.seq, previous, branch))
    _change_calls(connection, branch, batch)


def read(
    connection: sqlite3.Connection, spans: Sequence[Span], ranges: Sequence[Range]
) -> list[StoredMessage]:
    """The rows of these ranges, ascending, each once."""
    return [
        _stored(connection, row)
        for first, last in _united(ranges)
        for span in spans
        for row in connection.execute(READ_MESSAGES, clipped(span, first, last))
    ]


def totals(connection: sqlite3.Connection, spans: Sequence[Span]) -> tuple[int, int]:
    """How many rows, and their tokens."""
    found = [connection.execute(TOTALS, clipped(span, span.first, span.last)).fetchone() for span in spans]
    return sum(count for count, _ in found), sum(tokens for _, tokens in found)


def sizes(connection: sqlite3.Connection, spans: Sequence[Span]) -> list[MessageSize]:
    """Tokens of every row, and whether it was pruned."""
    return [
        MessageSize(tokens, bool(pruned))
        for span in spans
        for tokens, pruned in connection.execute(SIZES, clipped(span, span.first, span.last))
    ]


def find_ids(
    connection: sqlite3.Connection, spans: Sequence[Span], ids: Iterable[str]
) -> dict[str, tuple[int, bytes]]:
    """Number and content digest of those ids that the log has."""
    wanted = listed([escaped(name) for name in ids])
    return {
        unescaped(name): (seq, digest)
        for span in spans
        for name, seq, digest in connection.execute(FIND_IDS, (span.branch, wanted, span.last))
    }


def outline(connection: sqlite3.Connection, spans: Sequence[Span], after: int) -> list[OutlineRow]:
    """The rows behind ``after`` without what they say."""
    return [
        OutlineRow(
            seq, None if name is None else unescaped(name), digest, role, kind, supersedes, bool(pruned)
        )
        for span in spans
        for seq, name, digest, role, kind, supersedes, pruned in connection.execute(
            OUTLINE, clipped(span, after + 1, span.last)
        )
    ]


def _prepared(row: StoredMessage) -> Prepared:
    text = encode(row.message)
    payload, blobs = shelved(row.message, text)
    features = json.dumps(row.features.to_json(), separators=(",", ":"))
    digest = content_digest(row.message)
    return Prepared(row, epoch(row.message.timestamp), canonical(text), digest, features, payload, blobs)


def _end(connection: sqlite3.Connection, branch: int, batch: AppendBatch) -> bytes:
    """Hash of the last message that the branch sees. Raises `StaleView` if the batch is not for behind it."""
    row = connection.execute(END, (branch,)).fetchone()
    if row is None:
        raise gone(branch)
    last, tip, active = row
    if last != batch.after_seq:
        raise StaleView(
            f"the log ends at m:{last}, not m:{batch.after_seq} as the append was made for; read it again"
        )
    if batch.activate:
        connection.execute(ACTIVATE, (branch, branch))
    elif not active:
        raise left(branch)
    return tip


def _values(prepared: Prepared, key: int, branch: int, now: float, chained: bytes) -> tuple[object, ...]:
    row = prepared.row
    return (
        key,
        branch,
        row.seq,
        None if row.message.id is None else escaped(row.message.id),
        row.message.role,
        row.kind,
        row.group,
        row.tokens,
        row.counter,
        prepared.epoch,
        now,
        row.supersedes,
        chained,
        prepared.digest,
        len(prepared.payload) + len(prepared.features),
        prepared.features,
        prepared.payload,
    )


def _explain(error: sqlite3.IntegrityError, row: StoredMessage, index: int) -> None:
    """Raise `DuplicateMessage` if that is what the constraint says."""
    if "messages.message_id" in str(error) and row.message.id is not None:
        raise DuplicateMessage(row.message.id, index) from error


def _change_calls(connection: sqlite3.Connection, branch: int, batch: AppendBatch) -> None:
    if batch.opened:
        opened = [(branch, call.seq, call.position, escaped(call.call_id)) for call in batch.opened]
        connection.executemany(OPEN_CALL, opened)
    if batch.closed:
        closers = [row.seq for row in batch.rows if row.kind in ("plain", "call") and row.supersedes is None]
        closed = [
            (next(seq for seq in closers if seq > call.seq), branch, call.seq, call.position)
            for call in batch.closed
        ]
        connection.executemany(CLOSE_CALL, closed)
    if batch.answered:
        answered = [(seq, branch, call.seq, call.position) for call, seq in batch.answered]
        connection.executemany(ANSWER_CALL, answered)


def _united(ranges: Sequence[Range]) -> list[Range]:
    out: list[Range] = []
    for first, last in sorted(ranges):
        if out and first <= out[-1][1]:
            out[-1] = (out[-1][0], max(last, out[-1][1]))
        else:
            out.append((first, last))
    return out


Row = tuple[int, str | None, int, Kind, int, str, str | None, int | None, bytes, float | None]


def _stored(connection: sqlite3.Connection, row: Row) -> StoredMessage:
    seq, payload, group, kind, tokens, counter, features, supersedes, digest, pruned_at = row
    if payload is None or features is None:
        message = tombstone(seq, seq, tokens, pruned_at)
        found = features_of(message)
    else:
        message, found = decoded(connection, seq, payload), Features.from_json(json.loads(features))
    return StoredMessage(
        seq=seq,
        message=message,
        group=group,
        kind=kind,
        tokens=tokens,
        counter=counter,
        features=found,
        supersedes=supersedes,
        hash=digest.hex(),
        pruned_at=pruned_at,
    )
