"""Width and height of an image from the first bytes of its base64 text: PNG, JPEG, GIF, WebP."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from functools import partial

Peek = Callable[[int, int], bytes]
_HEADER_BYTES = 64
_LINE, _WRAPPED = 100, 90_000
"""Characters looked at for a line end, and kept of base64 that is wrapped in lines."""
_MAX_SEGMENTS = 256
"""JPEG segments walked before giving up; each costs the decoding of a few bytes."""


def image_size(data: str) -> tuple[int, int] | None:
    """Width and height in pixels, or None when the header does not tell. Decodes a few dozen bytes."""
    if "\n" in data[:_LINE]:
        data = "".join(data[:_WRAPPED].split())
    try:
        return _size(partial(_peek, data))
    except (IndexError, ValueError, binascii.Error):
        return None


def _peek(data: str, offset: int, length: int) -> bytes:
    """``length`` bytes from ``offset`` of the decoded data: four characters hold three bytes."""
    first, last = offset // 3, -(-(offset + length) // 3)
    text = data[first * 4 : last * 4].replace("-", "+").replace("_", "/")
    text += "=" * (-len(text) % 4)
    skip = offset - first * 3
    return base64.b64decode(text, validate=True)[skip : skip + length]


def _size(peek: Peek) -> tuple[int, int] | None:
    head = peek(0, _HEADER_BYTES)
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return _real(_big(head[16:20]), _big(head[20:24]))
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return _real(_little(head[6:8]), _little(head[8:10]))
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return _webp(head)
    return _jpeg(peek) if head.startswith(b"\xff\xd8") else None


def _webp(head: bytes) -> tuple[int, int] | None:
    kind = head[12:16]
    if kind == b"VP8X":
        return _real(_little(head[24:27]) + 1, _little(head[27:30]) + 1)
    if kind == b"VP8L":
        bits = _little(head[21:25])
        return _real((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if kind == b"VP8 ":
        return _real(_little(head[26:28]) & 0x3FFF, _little(head[28:30]) & 0x3FFF)
    return None


def _jpeg(peek: Peek) -> tuple[int, int] | None:
    """Walk from segment to segment (metadata and thumbnails may come first) to the start of frame."""
    at = 2
    for _ in range(_MAX_SEGMENTS):
        segment = peek(at, 9)
        if len(segment) < 9 or segment[0] != 0xFF:
            return None
        marker = segment[1]
        if marker == 0xFF:  # a fill byte
            at += 1
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return _real(_big(segment[7:9]), _big(segment[5:7]))
        else:
            at += 2 + _big(segment[2:4])
    return None


def _real(width: int, height: int) -> tuple[int, int] | None:
    return (width, height) if width > 0 and height > 0 else None


def _big(part: bytes) -> int:
    return int.from_bytes(part, "big")


def _little(part: bytes) -> int:
    return int.from_bytes(part, "little")
