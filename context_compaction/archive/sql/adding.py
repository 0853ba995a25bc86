"""One branch of an export on its way into an archive: its rows, its hash chain and its part of the index."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from context_compaction.archive.jsonl import Record
from context_compaction.archive.records import StoredMessage
from context_compaction.archive.sql import search
from context_compaction.archive.sql.branches import ADD_SPAN
from context_compaction.archive.sql.database import Database, Values
from context_compaction.archive.sql.forks import HASH_AT
from context_compaction.archive.sql.log import LINK_BLOB, Prepared
from context_compaction.archive.sql.payloads import hashes_in, whole
from context_compaction.archive.sql.search import Entry
from context_compaction.archive.sql.spans import FOREVER
from context_compaction.archive.sql.views import add_summary
from context_compaction.archive.tombstones import tombstone
from context_compaction.archive.transfer_records import FIELDS
from context_compaction.errors import ArchiveCorrupt
from context_compaction.messages.storage import canonical, decode
from context_compaction.text.features import Features, features_of
from context_compaction.view import SummaryRecord

WRITTEN_ROWS, WRITTEN_CHARS = 500, 4_000_000
"""How many rows of a kind, or how much of messages, wait to be written together."""
ADD_BRANCH = """
INSERT INTO branches (session, parent, fork_at, version, next_summary, last_seq, tip, state, created_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
# What a branch has of its own, the columns in the order of the records' fields.
ADD_ROWS: Mapping[str, str] = {
    "message": """
INSERT INTO messages (branch, seq, message_id, role, kind, group_first, tokens, counter, epoch, stored_at,
    supersedes, hash, digest, size, pruned_at, features, payload)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
""",
    "call": """
INSERT INTO calls (branch, seq, position, call_id, closed_at, answered_by) VALUES (?, ?, ?, ?, ?, ?)
""",
    "view": "INSERT INTO views (branch, version, head_end, pins, entries) VALUES (?, ?, ?, ?, ?)",
    "compaction": """
INSERT INTO compactions (branch, at_seq, version, committed, happened_at, event) VALUES (?, ?, ?, ?, ?, ?)
""",
    "pin": "INSERT INTO pins (branch, ref, text) VALUES (?, ?, ?)",
}


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


# How fields that are no plain values are stored.
STORED: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("hash", "digest", "tip"), bytes.fromhex),
    **dict.fromkeys(("state", "features", "text", "pins", "entries", "event"), _json),
}


class NewBranch:
    """A branch that is being added. Raises `ArchiveCorrupt` for what cannot be one."""

    def __init__(self, connection: Database, record: Record, session: int, known: Sequence[int]) -> None:
        """``known``: the keys of the branches before it, by their place in the file."""
        self._connection = connection
        self._last: int = record["last_seq"]
        self._end: bytes = bytes.fromhex(record["tip"])
        shared = [(_key(known, number), last, summary) for number, last, summary in record["spans"]]
        parent = None if record["parent"] is None else _key(known, record["parent"])
        self._seq: int = record["fork_at"]
        self._tip = self._forked(parent, shared)
        values = _stored("branch", record)
        row = (session, parent, *(values[name] for name in _BRANCH_COLUMNS))
        self.key = connection.execute(ADD_BRANCH, row).lastrowid or 0
        """The archive's own number for it."""
        spans = [(self.key, *span) for span in shared]
        connection.executemany(ADD_SPAN, [*spans, (self.key, self.key, FOREVER, FOREVER)])
        self._namespace = search.namespace_of(connection, self.key)
        self._kind = ""
        self._rows: list[Values] = []
        """Of this kind, and not yet in the database."""
        self._media: list[Values] = []
        self._waiting: list[tuple[Prepared, Entry]] = []
        self._chars = 0

    def add(self, record: Record) -> None:
        """Take the next record of the branch."""
        kind: str = record["type"]
        if kind == "summary":
            self._add_summary(record)
            return
        if kind != self._kind:
            self._write()
        self._kind = kind
        self._rows.append((self.key, *_stored(kind, record).values()))
        if kind == "message":
            self._follow(record)
        if len(self._rows) >= WRITTEN_ROWS or self._chars >= WRITTEN_CHARS:
            self._write()

    def end(self) -> None:
        """After the last one."""
        if (self._seq, self._tip) != (self._last, self._end):
            raise ArchiveCorrupt(
                f"the log ends at m:{self._seq}, and is said to end otherwise at m:{self._last}"
            )
        self._write()

    def _forked(self, parent: int | None, shared: Sequence[tuple[int, int, int]]) -> bytes:
        """The hash that the branch goes on from. Its spans must lead there."""
        if parent is None and not shared and self._seq == 0:
            return b""
        row = None
        if shared and shared[-1][:2] == (parent, self._seq):
            row = self._connection.execute(HASH_AT, (parent, self._seq)).fetchone()
        if row is None:
            raise ArchiveCorrupt(f"the branch forks at m:{self._seq} of a log that does not have it")
        return row[0]

    def _follow(self, record: Record) -> None:
        """Check a message against the one before, and remember it for the index."""
        seq: int = record["seq"]
        if seq != self._seq + 1:
            raise ArchiveCorrupt(f"m:{seq} follows m:{self._seq}")
        if [record[name] is None for name in ("pruned_at", "features", "payload")] not in _LIVE_OR_PRUNED:
            raise ArchiveCorrupt(f"m:{seq} is neither a message nor a tombstone")
        self._seq, chained = seq, bytes.fromhex(record["hash"])
        payload: str = record["payload"] or ""
        for name in dict.fromkeys(hashes_in(payload)):
            self._media.append((self.key, seq, name))
        text = whole(self._connection, seq, payload)
        prepared = _prepared(record, text)
        if payload and hashlib.sha256(self._tip + prepared.canonical).digest() != chained:
            raise ArchiveCorrupt(f"m:{seq} or the message before it is not what its hash says")
        self._tip = chained
        # A tombstone waits as an empty document: the sittings of what was said later go on from it.
        self._waiting.append((prepared, search.message_entry(prepared) if payload else Entry("", 0)))
        self._chars += len(text)

    def _write(self) -> None:
        """Put what waits into the database, messages into the index too."""
        if self._rows:
            self._connection.executemany(ADD_ROWS[self._kind], self._rows)
        if self._media:
            self._connection.executemany(LINK_BLOB, self._media)
        if self._waiting:
            rows, entries = [row for row, _ in self._waiting], [entry for _, entry in self._waiting]
            search.index_messages(self._connection, self.key, self._namespace, rows, entries)
            terms = sum(entry.length for entry in entries)
            search.add_totals(self._connection, self.key, len(rows), terms)
        self._rows, self._media, self._waiting, self._chars = [], [], [], 0

    def _add_summary(self, record: Record) -> None:
        summary = SummaryRecord(
            id=record["number"],
            text=record["text"],
            tokens=record["tokens"],
            generation=record["generation"],
            ranges=tuple((first, last) for first, last in record["ranges"]),
            sources=tuple(record["sources"]),
            writer=record["writer"],
            fidelity=record["fidelity"],
        )
        add_summary(self._connection, self.key, summary)
        search.index_summaries(self._connection, self.key, [summary])


_BRANCH_COLUMNS = ("fork_at", "version", "next_summary", "last_seq", "tip", "state", "created_at")
_LIVE_OR_PRUNED = ([True, False, False], [False, True, True])
"""Whether ``pruned_at``, ``features`` and ``payload`` are None."""


def _key(known: Sequence[int], number: int) -> int:
    if not 1 <= number <= len(known):
        raise ArchiveCorrupt(f"branch {number} is not before this one")
    return known[number - 1]


def _stored(kind: str, record: Record) -> dict[str, Any]:
    values = ((field, record[field]) for field in FIELDS[kind])
    return {
        field: STORED[field](value) if field in STORED and value is not None else value
        for field, value in values
    }


def _prepared(record: Record, text: str) -> Prepared:
    """What the index wants to know of a message."""
    seq: int = record["seq"]
    pruned = not text
    message = tombstone(seq, seq, record["tokens"], record["pruned_at"]) if pruned else decode(text)
    row = StoredMessage(
        seq=seq,
        message=message,
        group=record["group_first"],
        kind=record["kind"],
        tokens=record["tokens"],
        counter=record["counter"],
        features=features_of(message) if pruned else Features.from_json(record["features"]),
    )
    digest = bytes.fromhex(record["digest"])
    return Prepared(
        row, record["epoch"], b"" if pruned else canonical(text), digest, "", record["payload"] or "", ()
    )
