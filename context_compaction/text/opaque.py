"""Data that stands in text: base64 in a tool's output or a pasted file, which has no words to search by."""

from __future__ import annotations

import re

MIN_CHARS = 512
"""Shorter runs are read like any other text: keys, tokens, hashes."""
HEAD_CHARS = 64
"""So much of each run stays: data that is looked up is looked up by its beginning."""

_SIGN = "[A-Za-z0-9+/_-]"
_LINE_END = r"(?:\r?\n|(?:\\r)?\\n)"  # or as JSON writes it
_OPAQUE = re.compile(
    rf"(?<!{_SIGN})(?:{_SIGN}{{{MIN_CHARS},}}+"
    rf"|{_SIGN}{{60,80}}+(?:{_LINE_END}{_SIGN}{{60,80}}+){{7,}}+)={{0,2}}"
)
# Wherever data lies, one of the blocks that the text is cut into is of its characters from end to end.
_BLOCK = MIN_CHARS // 2 - 1
_INSIDE = re.compile(r"[A-Za-z0-9+/_\-\r\n\\]*+")


def without_data(text: str) -> str:
    """The text with only the first 64 characters of each run of data. Linear, and quick for text without any.

    Data is what has capital and small letters in at least 512 characters of base64 without a break, or in at
    least eight lines of it that are equally long. Lists of hashes and of paths are none.
    """
    blocks = range(0, len(text) - _BLOCK + 1, _BLOCK)
    if len(text) < MIN_CHARS - 32 or not any(_INSIDE.fullmatch(text, at, at + _BLOCK) for at in blocks):
        return text
    return _OPAQUE.sub(_head, text)


def _head(found: re.Match[str]) -> str:
    data = found.group()
    if data in (data.lower(), data.upper()):
        return data
    lengths = {len(line) for line in re.split(_LINE_END, data.rstrip("="))[:-1]}
    return f"{data[:HEAD_CHARS]} " if len(lengths) < 2 else data
