"""How a message is written down: JSON text that reads back equal, and the bytes its hash covers."""

from __future__ import annotations

import hashlib
import json
from typing import Any, cast

from context_compaction.errors import ArchiveCorrupt
from context_compaction.messages.blocks import TextBlock, block_from_json, block_to_json, said_in
from context_compaction.messages.message import Message
from context_compaction.messages.openai import read_raw, read_said

compact_json = json.JSONEncoder(separators=(",", ":")).encode
"""JSON text as all of it is stored: ASCII, no spaces, keys in their order."""
_sorted_json = json.JSONEncoder(separators=(",", ":"), sort_keys=True).encode
_said_json = json.JSONEncoder(sort_keys=True).encode


def encode(message: Message) -> tuple[str, bytes]:
    """The message as ASCII JSON text (lone surrogates and NUL are escaped), and `canonical` of that text.

    `decode` gives it back equal. Raises `InvalidMessage` if its ``raw`` is no JSON text.
    """
    data: dict[str, Any] = {"format": message.format}
    for key in ("id", "name", "timestamp"):
        if (value := getattr(message, key)) is not None:
            data[key] = value
    if message.edited:
        data["edited"] = True
    if message.raw is None or message.edited or message.format != "openai":
        data["role"] = message.role
        data["blocks"] = [block_to_json(block) for block in message.blocks]
    text = compact_json(data)
    if message.raw is not None:
        data["raw"] = read_raw(message.raw)
        # What is JSON text already need not be written once more.
        told = message.raw.isascii() and message.raw.isprintable()
        raw = message.raw if told else compact_json(data["raw"])
        text = f'{text[:-1]},"raw":{raw}}}'
    return text, _sorted_json(data).encode("ascii")


def decode(text: str) -> Message:
    """The message that `encode` wrote. Raises `ArchiveCorrupt` when the text is something else."""
    try:
        data = cast("dict[str, Any]", json.loads(text))
        raw = compact_json(data["raw"]) if "raw" in data else None
        if "blocks" in data:
            role, blocks = data["role"], tuple(block_from_json(block) for block in data["blocks"])
        else:
            role, blocks = read_said(data["raw"])  # what was stored needs no second look at its JSON
        return Message(
            role=role,
            blocks=blocks,
            id=data.get("id"),
            name=data.get("name"),
            timestamp=data.get("timestamp"),
            raw=raw,
            format=data["format"],
            edited=data.get("edited", False),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ArchiveCorrupt(f"a stored message cannot be read back: {error}") from error


def canonical(text: str) -> bytes:
    """The one byte form of a stored message: keys sorted, no spaces. This is what hashes cover."""
    return _sorted_json(json.loads(text)).encode("ascii")


def content_digest(message: Message) -> bytes:
    """16 bytes that are equal for messages which say the same: role, name and blocks, whatever their ids.

    An empty text beside other blocks says nothing: formats differ in whether they write one next to calls.
    """
    said = [
        block for block in message.blocks if not isinstance(block, TextBlock) or block.text
    ] or message.blocks
    blocks = [{"type": type(block).__name__, **said_in(block)} for block in said]
    return text_digest(_said_json([message.role, message.name, blocks]))


def text_digest(text: str) -> bytes:
    """16 bytes of SHA-256 over ASCII text."""
    return hashlib.sha256(text.encode("ascii")).digest()[:16]
