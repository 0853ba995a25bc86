"""The append-only log: rows with their hash chain, media, and calls."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from context_compaction.archive.records import AppendBatch, Extent, MessageSize, OutlineRow, StoredMessage
from context_compaction.archive.sql.database import Database, IdTaken
from context_compaction.archive.sql.names import escaped, listed, unescaped
from context_compaction.archive.sql.payloads import Blob, decoded, shelved
from context_compaction.archive.sql.spans import ACTIVATE, Span, clipped, gone, left
from context_compaction.archive.tombstones import tombstone
from context_compaction.errors import DuplicateMessage, StaleView
from context_compaction.groups import Kind
from context_compaction.messages.storage import compact_json, content_digest, encode
from context_compaction.text.dates import epoch
from context_compaction.text.features import Features, features_of
from context_compaction.view import Range

END = """
SELECT branches.last_seq, branches.tip, sessions.active = branches.id, sessions.namespace
FROM branches JOIN sessions ON sessions.id = branches.session WHERE branches.id = ?
"""
ADVANCE = """
UPDATE branches SET last_seq = ?, tip = ?, documents = documents + ?, terms = terms + ? WHERE id = ?
"""
ADD_MESSAGE = """
INSERT INTO messages (branch, seq, message_id, role, kind, group_first, tokens, counter, epoch, stored_at,
    supersedes, hash, digest, size, features, payload)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
ADD_BLOB = "INSERT INTO blobs (hash, encoding, data) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
LINK_BLOB = """
INSERT INTO message_blobs (message, blob)
SELECT messages.id, blobs.id FROM messages CROSS JOIN blobs
WHERE messages.branch = ? AND messages.seq = ? AND blobs.hash = ?
"""
OPEN_CALL = "INSERT INTO calls (branch, seq, position, call_id) VALUES (?, ?, ?, ?)"
CLOSE_CALL = "UPDATE calls SET closed_at = ? WHERE branch = ? AND seq = ? AND position = ?"
ANSWER_CALL = "UPDATE calls SET answered_by = ? WHERE branch = ? AND seq = ? AND position = ?"
READ_MESSAGES = """
SELECT seq, payload, group_first, kind, tokens, counter, features, supersedes, hash, pruned_at FROM messages
WHERE branch = ? AND seq BETWEEN ? AND ? ORDER BY seq
"""
READ_LISTED = """
SELECT seq, payload, group_first, kind, tokens, counter, features, supersedes, hash, pruned_at FROM messages
WHERE branch = ? AND seq IN (SELECT value FROM json_each(?)) ORDER BY seq
"""
LISTED_AT_MOST = 1000
"""So many messages of several ranges are read by one statement."""
TOTALS = "SELECT count(*), coalesce(sum(tokens), 0) FROM messages WHERE branch = ? AND seq BETWEEN ? AND ?"
EXTENT = """
SELECT count(*), coalesce(sum(tokens), 0), count(pruned_at), min(epoch), max(epoch) FROM messages
WHERE branch = ? AND seq BETWEEN ? AND ?
"""
SIZES = """
SELECT tokens, pruned_at IS NOT NULL FROM messages WHERE branch = ? AND seq BETWEEN ? AND ? ORDER BY seq
"""
# The plus keeps the planner from going through the whole branch by its numbers instead of the ids' own index.
FIND_IDS = """
SELECT message_id, seq, digest FROM messages
WHERE branch = ? AND message_id IN (SELECT value FROM json_each(?)) AND +seq <= ?
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


def append(
    connection: Database, branch: int, batch: AppendBatch, rows: Sequence[Prepared], terms: int
) -> int:
    """Write the rows behind the end of the log; the number of its namespace.

    ``terms``: so many the index has of them. Raises `StaleView` if the end has moved.
    """
    previous, namespace = _end(connection, branch, batch)
    now = time.time()
    values: list[tuple[object, ...]] = []
    for prepared in rows:
        previous = hashlib.sha256(previous + prepared.canonical).digest()
        values.append(_values(prepared, branch, now, previous))
    try:
        connection.add_messages(values)
    except IdTaken as taken:
        raise DuplicateMessage(rows[taken.index].row.message.id or "", taken.index) from taken
    _add_media(connection, branch, rows)
    if rows:
        connection.execute(ADVANCE, (rows[-1].row.seq, previous, len(rows), terms, branch))
    _change_calls(connection, branch, batch)
    return namespace


def _add_media(connection: Database, branch: int, rows: Sequence[Prepared]) -> None:
    """Each once, in the order of their hashes: two who add the same ones at a time wait in no circle."""
    blobs = {blob.hash: blob for prepared in rows for blob in prepared.blobs}
    for name in sorted(blobs):
        connection.execute(ADD_BLOB, (name, blobs[name].encoding, blobs[name].data))
    for prepared in rows:
        for blob in prepared.blobs:
            connection.execute(LINK_BLOB, (branch, prepared.row.seq, blob.hash))


def read(connection: Database, spans: Sequence[Span], ranges: Sequence[Range]) -> list[StoredMessage]:
    """The rows of these ranges, ascending, each once."""
    united = _united(ranges)
    if len(united) > 1 and sum(last - first + 1 for first, last in united) <= LISTED_AT_MOST:
        found = (row for span in spans for row in _read_listed(connection, span, united))
    else:
        found = (
            row
            for first, last in united
            for span in spans
            for row in connection.execute(READ_MESSAGES, clipped(span, first, last))
        )
    return [_stored(connection, row) for row in found]


def _read_listed(connection: Database, span: Span, ranges: Sequence[Range]) -> Iterable[Row]:
    places = (clipped(span, first, last) for first, last in ranges)
    seqs = [seq for _, first, last in places for seq in range(first, last + 1)]
    return connection.execute(READ_LISTED, (span.branch, json.dumps(seqs))) if seqs else ()


def totals(connection: Database, spans: Sequence[Span]) -> tuple[int, int]:
    """How many rows, and their tokens."""
    found = [connection.execute(TOTALS, clipped(span, span.first, span.last)).fetchone() for span in spans]
    return sum(count for count, _ in found), sum(tokens for _, tokens in found)


def sizes(connection: Database, spans: Sequence[Span]) -> list[MessageSize]:
    """Tokens of every row, and whether it was pruned."""
    return [
        MessageSize(tokens, bool(pruned))
        for span in spans
        for tokens, pruned in connection.execute(SIZES, clipped(span, span.first, span.last))
    ]


def extent(connection: Database, spans: Sequence[Span], found: Range) -> Extent:
    """What a range holds."""
    parts = [connection.execute(EXTENT, clipped(span, *found)).fetchone() for span in spans]
    counts, tokens, pruned, firsts, lasts = zip(*parts, strict=True)
    return Extent(
        sum(counts),
        sum(tokens),
        sum(pruned),
        min((time for time in firsts if time is not None), default=None),
        max((time for time in lasts if time is not None), default=None),
    )


def find_ids(connection: Database, spans: Sequence[Span], ids: Iterable[str]) -> dict[str, tuple[int, bytes]]:
    """Number and content digest of those ids that the log has."""
    wanted = listed([escaped(name) for name in ids])
    return {
        unescaped(name): (seq, digest)
        for span in spans
        for name, seq, digest in connection.execute(FIND_IDS, (span.branch, wanted, span.last))
    }


def outline(connection: Database, spans: Sequence[Span], after: int) -> list[OutlineRow]:
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
    text, plain = encode(row.message)
    payload, blobs = shelved(row.message, text)
    features = compact_json(row.features.to_json())
    digest = content_digest(row.message)
    return Prepared(row, epoch(row.message.timestamp), plain, digest, features, payload, blobs)


def _end(connection: Database, branch: int, batch: AppendBatch) -> tuple[bytes, int]:
    """Hash of the last message that the branch sees, and its namespace.

    Raises `StaleView` if the batch is not for behind it.
    """
    row = connection.execute(END, (branch,)).fetchone()
    if row is None:
        raise gone(branch)
    last, tip, active, namespace = row
    if last != batch.after_seq:
        raise StaleView(
            f"the log ends at m:{last}, not m:{batch.after_seq} as the append was made for; read it again"
        )
    if batch.activate:
        connection.execute(ACTIVATE, (branch, branch))
    elif not active:
        raise left(branch)
    return tip, namespace


def _values(prepared: Prepared, branch: int, now: float, chained: bytes) -> tuple[object, ...]:
    row = prepared.row
    return (
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


def _change_calls(connection: Database, branch: int, batch: AppendBatch) -> None:
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


def _stored(connection: Database, row: Row) -> StoredMessage:
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
