"""Media out of the rows: each file is stored once, and a stored message holds a marker where it was.

A payload is ASCII JSON text, in which no control character can stand. The marker is made of some, so it
cannot be confused with anything that was said, and putting the media back is exact.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from context_compaction.archive.sql.database import Statements
from context_compaction.errors import ArchiveCorrupt
from context_compaction.messages import MediaBlock, Message
from context_compaction.messages.storage import decode

MIN_CHARS = 1024
"""Shorter media stay in their row."""
OPEN, CLOSE = "\x01", "\x02"
READ_BLOB = "SELECT encoding, data FROM blobs WHERE hash = ?"
_MARKER = re.compile(f"{OPEN}([0-9a-f]{{64}}){CLOSE}")


@dataclass(frozen=True, slots=True)
class Blob:
    """Media as stored: ``base64`` says that ``data`` is decoded, ``text`` that it is as it was."""

    hash: str
    encoding: str
    data: bytes

    @property
    def text(self) -> str:
        """What stood in the payload."""
        return (
            base64.b64encode(self.data).decode("ascii")
            if self.encoding == "base64"
            else self.data.decode("ascii")
        )


def shelved(message: Message, payload: str) -> tuple[str, tuple[Blob, ...]]:
    """The payload with markers in place of large media, and these media."""
    found = {
        json.dumps(block.data)[1:-1]
        for block in message.blocks
        if isinstance(block, MediaBlock) and block.data is not None and len(block.data) >= MIN_CHARS
    }
    blobs: list[Blob] = []
    for text in sorted(found, key=len, reverse=True):
        blob = _blob(text)
        marked = payload.replace(text, f"{OPEN}{blob.hash}{CLOSE}")
        if marked != payload:
            payload = marked
            blobs.append(blob)
    return payload, tuple(blobs)


def hashes_in(payload: str) -> list[str]:
    """The media that a stored payload names."""
    return _MARKER.findall(payload) if OPEN in payload else []


def restored(payload: str, blobs: Mapping[str, Blob]) -> str:
    """The payload as it was before `shelved`. Raises `KeyError` for media that are not there."""
    return _MARKER.sub(lambda match: blobs[match[1]].text, payload)


def decoded(connection: Statements, seq: int, payload: str) -> Message:
    """The message that a stored payload is. Raises `ArchiveCorrupt`, naming ``seq``."""
    return decode(whole(connection, seq, payload))


def whole(connection: Statements, seq: int, payload: str) -> str:
    """A stored payload with its media put back. Raises `ArchiveCorrupt` for media that are not there."""
    hashes = hashes_in(payload)
    return restored(payload, {name: _read(connection, name, seq) for name in hashes}) if hashes else payload


def _read(connection: Statements, name: str, seq: int) -> Blob:
    row = connection.execute(READ_BLOB, (name,)).fetchone()
    if row is None:
        raise ArchiveCorrupt(f"m:{seq}: its media {name[:12]} is missing from the archive; restore a backup")
    return Blob(name, *row)


def _blob(text: str) -> Blob:
    name = hashlib.sha256(text.encode("ascii")).hexdigest()
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return Blob(name, "text", text.encode("ascii"))
    if base64.b64encode(data).decode("ascii") != text:
        return Blob(name, "text", text.encode("ascii"))
    return Blob(name, "base64", data)
