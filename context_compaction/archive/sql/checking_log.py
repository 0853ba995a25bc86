"""Checking one log: its hash chain, and that each row's other columns and its media agree with its text."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from context_compaction.archive.chain import Finding, findings
from context_compaction.archive.runs import Ends, Link, chained
from context_compaction.archive.sql.database import Database
from context_compaction.archive.sql.names import escaped
from context_compaction.archive.sql.payloads import Blob, hashes_in, restored
from context_compaction.archive.sql.spans import Span
from context_compaction.errors import ArchiveCorrupt
from context_compaction.messages import Message
from context_compaction.messages.storage import canonical, content_digest, decode
from context_compaction.text.features import Features

# As blobs: bytes that are no text, or of another type, are for us to judge and no error of SQLite's.
READ_ROWS = """
SELECT CAST(seq AS BIGINT), CAST(hash AS BLOB), CAST(digest AS BLOB), pruned_at IS NOT NULL,
    CAST(role AS BLOB), CAST(message_id AS BLOB), size, CAST(features AS BLOB), CAST(payload AS BLOB)
FROM messages WHERE branch = ? AND seq <= ? ORDER BY seq
"""
READ_TEXT = "SELECT CAST(payload AS BLOB) FROM messages WHERE branch = ? AND seq = ?"
READ_HASH = "SELECT CAST(hash AS BLOB) FROM messages WHERE branch = ? AND seq = ?"
READ_MEDIA = "SELECT encoding = 'base64', CAST(data AS BLOB) FROM blobs WHERE hash = ?"
UNREADABLE = (ArchiveCorrupt, ValueError, TypeError, LookupError, AttributeError, RecursionError)
"""What reading stored data raises when it is not as it was written."""
Row = tuple[int, bytes, bytes, int, bytes, bytes | None, object, bytes | None, bytes | None]
T = TypeVar("T")


def readable(read: Callable[[], T]) -> T | None:
    """What ``read`` gives; None when what is stored cannot be read."""
    try:
        return read()
    except UNREADABLE:
        return None
    except sqlite3.OperationalError as error:
        if getattr(error, "sqlite_errorcode", None) is not None:
            raise
        return None  # text of a file that is not UTF-8: Python's word for it, not SQLite's


def check_log(connection: Database, spans: Sequence[Span], last: int, tip: bytes | None) -> list[Finding]:
    """What is wrong with the own rows of the last of ``spans``, by number.

    ``last`` and ``tip`` are where the log ends, by what its branch says; without ``tip`` only the rows up to
    ``last`` are looked at.
    """
    own = spans[-1]
    rows = _Rows(connection, own.branch)
    ends = Ends(own.first - 1, _bases(connection, spans), last, tip)
    chain = findings(rows.links(own.last if tip is not None else last), ends, rows.text_of)
    chain = [
        one for one in chain if one.kind != "changed" or one.first < one.last or one.first not in rows.sure
    ]
    told = {seq for one in chain if one.kind != "missing" for seq in range(one.first, one.last + 1)}
    also = [one for seq, one in rows.also.items() if seq not in told and seq not in rows.sure]
    return sorted([*chain, *rows.sure.values(), *also], key=lambda one: (one.first, one.last))


class _Rows:
    """The rows of one log as links of its chain; what is wrong with a row by itself is noted on the way."""

    def __init__(self, connection: Database, branch: int) -> None:
        self.sure: dict[int, Finding] = {}
        """Told instead of what the chain says of the same row, as it says why."""
        self.also: dict[int, Finding] = {}
        """Told where nothing else is said of the row."""
        self._connection = connection
        self._branch = branch
        self._sound: set[str] = set()
        """Media whose bytes were found to be what they were."""

    def links(self, last: int) -> Iterator[Link]:
        for row in self._connection.execute(READ_ROWS, (self._branch, last)):
            yield self._link(row)

    def text_of(self, seq: int) -> bytes | None:
        """The canonical JSON of a row; None if there is none to be had."""
        row = self._connection.execute(READ_TEXT, (self._branch, seq)).fetchone()
        if row is None or row[0] is None:
            return None
        return readable(lambda: canonical(self._whole(row[0].decode("ascii"))))

    def _link(self, row: Row) -> Link:
        seq, chained_to, _, pruned, *_, payload = row
        if payload is None:
            if not pruned:
                self.sure[seq] = Finding("missing", seq, seq, "its text is gone, and it was not pruned")
            return Link(seq, chained_to, None, bool(pruned))
        if pruned:
            self._note(seq, "damaged", "it is marked as pruned, but its text is still there")
        try:
            text = self._whole(payload.decode("ascii"))
            plain = canonical(text)
        except _MediaTrouble as trouble:
            self.sure[seq] = Finding("missing" if trouble.gone else "changed", seq, seq, str(trouble))
            return Link(seq, chained_to, None, whole=False)
        except UNREADABLE:
            self.sure[seq] = Finding("changed", seq, seq, "its stored text cannot be read")
            return Link(seq, chained_to, payload, whole=False)
        return Link(seq, chained_to, plain, self._agrees(row, text))

    def _agrees(self, row: Row, text: str) -> bool:
        """Whether digest and size are those of the text: then it is as it was, wherever it stands."""
        seq, _, digest, _, role, name, size, features, payload = row
        message = readable(lambda: decode(text))
        found = None if message is None else readable(lambda: content_digest(message))
        if message is None or found is None:
            self._note(seq, "damaged", "its text is no message that this release can read")
            return False
        if found != digest:
            self._note(seq, "changed", "its text and its content digest are not of one message")
            return False
        if (role, name) != _named(message):
            self._note(seq, "damaged", "its row has another role or id than its text")
        if features is None or readable(lambda: Features.from_json(json.loads(features))) is None:
            self._note(seq, "damaged", "what is known about its text (features) cannot be read")
        return size == len(payload or b"") + len(features or b"")

    def _note(self, seq: int, kind: str, detail: str) -> None:
        self.also.setdefault(seq, Finding("changed" if kind == "changed" else "damaged", seq, seq, detail))

    def _whole(self, payload: str) -> str:
        """The text with its media put back. Raises `_MediaTrouble` unless they are what they were."""
        names = hashes_in(payload)
        return restored(payload, {name: self._media(name) for name in names}) if names else payload

    def _media(self, name: str) -> Blob:
        row = self._connection.execute(READ_MEDIA, (name,)).fetchone()
        if row is None:
            raise _MediaTrouble(name, gone=True)
        blob = Blob(name, "base64" if row[0] else "text", row[1])
        if name not in self._sound:
            text = readable(lambda: blob.text)
            if text is None or hashlib.sha256(text.encode("ascii")).hexdigest() != name:
                raise _MediaTrouble(name, gone=False)
            self._sound.add(name)
        return blob


class _MediaTrouble(ValueError):
    """Media that a message shows are not what they were, or not there."""

    def __init__(self, name: str, *, gone: bool) -> None:
        super().__init__(f"its media {name[:12]} {'are gone' if gone else 'were changed'}")
        self.gone = gone


def _named(message: Message) -> tuple[bytes, bytes | None]:
    name = None if message.id is None else escaped(message.id).encode("ascii")
    return message.role.encode("ascii"), name


def _bases(connection: Database, spans: Sequence[Span]) -> tuple[bytes, ...]:
    """What a log's first hash is chained to: the hash that its ancestor has stored, or ought to have."""
    start = spans[-1].first - 1
    if start == 0:
        return (b"",)
    stored = _hash_at(connection, spans[:-1], start)
    before = b"" if start == 1 else _hash_at(connection, spans[:-1], start - 1)
    if stored is None:
        return ()
    text = _Rows(connection, spans[-2].branch).text_of(start)
    if before is None or text is None:
        return (stored,)
    return tuple(dict.fromkeys((stored, chained(before, text))))


def _hash_at(connection: Database, spans: Sequence[Span], seq: int) -> bytes | None:
    for span in spans:
        if span.first <= seq <= span.last:
            row = connection.execute(READ_HASH, (span.branch, seq)).fetchone()
            return None if row is None else row[0]
    return None
