"""An archive as the records of an export; `loading` is the way back."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from context_compaction.archive.jsonl import Record
from context_compaction.archive.sql.database import Database
from context_compaction.archive.sql.payloads import READ_BLOB
from context_compaction.archive.sql.spans import spans_of
from context_compaction.archive.sql.views import ranges_of, sources_of
from context_compaction.archive.transfer_records import FIELDS
from context_compaction.errors import ArchiveCorrupt

READ_SESSIONS = """
SELECT sessions.id, NULL, namespaces.name, sessions.session_id, sessions.created_at, sessions.active
FROM sessions JOIN namespaces ON namespaces.id = sessions.namespace ORDER BY sessions.id
"""
LIST_BRANCHES = "SELECT id, session FROM branches ORDER BY id"
READ_BRANCH = """
SELECT id, session, parent, fork_at, NULL, version, next_summary, last_seq, tip, state, created_at
FROM branches WHERE id = ?
"""
# What a branch has of its own, its columns in the order of the records' fields.
READ_ROWS: Mapping[str, str] = {
    "message": """
SELECT seq, message_id, role, kind, group_first, tokens, counter, epoch, stored_at, supersedes, hash, digest,
    size, pruned_at, features, payload
FROM messages WHERE branch = ? ORDER BY seq
""",
    "call": """
SELECT seq, position, call_id, closed_at, answered_by FROM calls WHERE branch = ? ORDER BY seq, position
""",
    "summary": """
SELECT number, tokens, generation, writer, fidelity, text, id, id FROM summaries
WHERE branch = ? ORDER BY number
""",
    "view": "SELECT version, head_end, pins, entries FROM views WHERE branch = ? ORDER BY version",
    "compaction": """
SELECT at_seq, version, committed, happened_at, event FROM compactions WHERE branch = ? ORDER BY id
""",
    "pin": "SELECT ref, text FROM pins WHERE branch = ? ORDER BY id",
}
# How columns that are no plain values are written in a record.
OUT: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("hash", "digest", "tip"), bytes.hex),
    **dict.fromkeys(("state", "features", "text", "pins", "entries", "event"), json.loads),
}


def session_records(connection: Database, numbers: Mapping[int, int]) -> Iterator[tuple[int, Record]]:
    """Every session in the order they began, by its key. ``numbers``: the places of branches in the file."""
    for place, (session, *row) in enumerate(connection.execute(READ_SESSIONS), 1):
        record = _record("session", row)
        yield session, record | {"number": place, "active": numbers[record["active"]]}


def branch_records(
    connection: Database, branch: int, session: int, numbers: Mapping[int, int]
) -> Iterator[Record]:
    """What an export says of one branch, media aside. ``session`` is the place of its session in the file."""
    record = _record("branch", connection.execute(READ_BRANCH, (branch,)).fetchone())
    shared = spans_of(connection, branch)[:-1]
    yield record | {
        "number": numbers[branch],
        "session": session,
        "parent": numbers.get(record["parent"]),
        "spans": [[numbers.get(span.branch), span.last, span.last_summary] for span in shared],
    }
    for kind, query in READ_ROWS.items():
        for row in connection.stream(query, (branch,)):
            found = _record(kind, row)
            yield found | _lineage(connection, found["ranges"]) if kind == "summary" else found


def blob_record(connection: Database, name: str) -> Record:
    """Media that payloads name. Raises `ArchiveCorrupt` when they are not there."""
    row = connection.execute(READ_BLOB, (name,)).fetchone()
    if row is None:
        raise ArchiveCorrupt(f"media {name[:12]} are missing from the archive; restore a backup")
    encoding, data = row
    return {
        "type": "blob",
        "hash": name,
        "encoding": encoding,
        "data": base64.b64encode(data).decode("ascii"),
    }


def _lineage(connection: Database, key: int) -> Record:
    """What the summary with this key stands for, and what it was made from."""
    return {
        "ranges": [list(one) for one in ranges_of(connection, [key])[key]],
        "sources": sources_of(connection, [key])[key],
    }


def _record(kind: str, row: tuple[Any, ...] | list[Any]) -> Record:
    fields = zip(FIELDS[kind], row, strict=True)
    return {"type": kind} | {
        field: OUT[field](value) if field in OUT and value is not None else value for field, value in fields
    }
