"""The append-only log: rows with their hash chain, media, and calls."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from context_compaction.archive.base import AppendBatch, StoredMessage
from context_compaction.archive.sqlite.names import escaped, listed, unescaped
from context_compaction.archive.sqlite.payloads import Blob, hashes_in, restored, shelved
from context_compaction.archive.sqlite.spans import Span, clipped, gone, spans_of
from context_compaction.errors import ArchiveCorrupt, DuplicateMessage, StaleView
from context_compaction.groups import Kind
from context_compaction.messages import Message
from context_compaction.messages.storage import canonical, decode, encode
from context_compaction.text.dates import epoch
from context_compaction.text.features import Features
from context_compaction.view import Range

TIP = "SELECT seq, hash FROM messages WHERE branch = ? ORDER BY seq DESC LIMIT 1"
AT = "SELECT seq, hash FROM messages WHERE branch = ? AND seq = ?"
FORKED_AT = "SELECT fork_at FROM branches WHERE id = ?"
NEXT_MESSAGE = "SELECT coalesce(max(id), 0) + 1 FROM messages"
ADD_MESSAGE = """
INSERT INTO messages (id, branch, seq, message_id, role, kind, group_first, tokens, counter, epoch, stored_at,
    supersedes, hash, features, payload)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
ADD_BLOB = "INSERT OR IGNORE INTO blobs (hash, encoding, data) VALUES (?, ?, ?)"
LINK_BLOB = "INSERT INTO message_blobs (message, blob) SELECT ?, id FROM blobs WHERE hash = ?"
READ_BLOB = "SELECT encoding, data FROM blobs WHERE hash = ?"
OPEN_CALL = "INSERT INTO calls (branch, seq, position, call_id) VALUES (?, ?, ?, ?)"
CLOSE_CALL = "UPDATE calls SET closed_at = ? WHERE branch = ? AND seq = ? AND position = ?"
ANSWER_CALL = "UPDATE calls SET answered_by = ? WHERE branch = ? AND seq = ? AND position = ?"
READ_MESSAGES = """
SELECT seq, payload, group_first, kind, tokens, counter, features, supersedes, hash FROM messages
WHERE branch = ? AND seq BETWEEN ? AND ? ORDER BY seq
"""
TOTALS = "SELECT count(*), coalesce(sum(tokens), 0) FROM messages WHERE branch = ? AND seq BETWEEN ? AND ?"
FIND_IDS = """
SELECT message_id, seq, payload FROM messages
WHERE branch = ? AND message_id IN (SELECT value FROM json_each(?)) AND seq <= ?
"""


@dataclass(frozen=True, slots=True)
class Prepared:
    """One row worked out before the transaction: all but what depends on the row before."""

    row: StoredMessage
    epoch: float | None
    canonical: bytes
    features: str
    payload: str
    blobs: tuple[Blob, ...]


def prepare(rows: Sequence[StoredMessage]) -> list[Prepared]:
    """Encode rows. Needs no connection, so no lock is held meanwhile."""
    return [_prepared(row) for row in rows]


def append(connection: sqlite3.Connection, branch: int, batch: AppendBatch, rows: Sequence[Prepared]) -> None:
    """Write the rows behind the end of the log. Raises `StaleView` if the end has moved."""
    last, previous = _tip(connection, branch)
    if last != batch.after_seq:
        raise StaleView(
            f"the log ends at m:{last}, not m:{batch.after_seq} as the append was made for; read it again"
        )
    key = connection.execute(NEXT_MESSAGE).fetchone()[0]
    now = time.time()
    for offset, (prepared, values) in enumerate(_values(branch, rows, previous, key, now)):
        try:
            connection.execute(ADD_MESSAGE, values)
        except sqlite3.IntegrityError as error:
            _explain(error, prepared.row, offset)
            raise
        for blob in prepared.blobs:
            connection.execute(ADD_BLOB, (blob.hash, blob.encoding, blob.data))
            connection.execute(LINK_BLOB, (values[0], blob.hash))
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


def find_ids(
    connection: sqlite3.Connection, spans: Sequence[Span], ids: Iterable[str]
) -> dict[str, tuple[int, Message]]:
    """Number and message of those ids that the log has."""
    wanted = listed([escaped(name) for name in ids])
    return {
        unescaped(name): (seq, _message(connection, seq, payload))
        for span in spans
        for name, seq, payload in connection.execute(FIND_IDS, (span.branch, wanted, span.last))
    }


def _prepared(row: StoredMessage) -> Prepared:
    text = encode(row.message)
    payload, blobs = shelved(row.message, text)
    features = json.dumps(row.features.to_json(), separators=(",", ":"))
    return Prepared(row, epoch(row.message.timestamp), canonical(text), features, payload, blobs)


def _tip(connection: sqlite3.Connection, branch: int) -> tuple[int, bytes]:
    """Number and hash of the last message that the branch sees."""
    row = connection.execute(TIP, (branch,)).fetchone()
    if row is not None:
        return row
    forked = connection.execute(FORKED_AT, (branch,)).fetchone()
    if forked is None:
        raise gone(branch)
    for span in spans_of(connection, branch):
        row = connection.execute(AT, (span.branch, forked[0])).fetchone() if span.last >= forked[0] else None
        if row is not None:
            return row
    return 0, b""


def _values(
    branch: int, rows: Sequence[Prepared], previous: bytes, key: int, now: float
) -> Iterator[tuple[Prepared, tuple[int | float | str | bytes | None, ...]]]:
    for offset, prepared in enumerate(rows):
        row = prepared.row
        previous = hashlib.sha256(previous + prepared.canonical).digest()
        yield (
            prepared,
            (
                key + offset,
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
                previous,
                prepared.features,
                prepared.payload,
            ),
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
        closers = [row.seq for row in batch.rows if row.kind in ("plain", "call")]
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


Row = tuple[int, str, int, Kind, int, str, str, int | None, bytes]


def _stored(connection: sqlite3.Connection, row: Row) -> StoredMessage:
    seq, payload, group, kind, tokens, counter, features, supersedes, digest = row
    return StoredMessage(
        seq=seq,
        message=_message(connection, seq, payload),
        group=group,
        kind=kind,
        tokens=tokens,
        counter=counter,
        features=Features.from_json(json.loads(features)),
        supersedes=supersedes,
        hash=digest.hex(),
    )


def _message(connection: sqlite3.Connection, seq: int, payload: str) -> Message:
    hashes = hashes_in(payload)
    if hashes:
        payload = restored(payload, {name: _blob(connection, name, seq) for name in hashes})
    return decode(payload)


def _blob(connection: sqlite3.Connection, name: str, seq: int) -> Blob:
    row = connection.execute(READ_BLOB, (name,)).fetchone()
    if row is None:
        raise ArchiveCorrupt(f"m:{seq}: its media {name[:12]} is missing from the archive; restore a backup")
    return Blob(name, *row)
