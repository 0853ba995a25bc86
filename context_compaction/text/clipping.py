"""Long tool output as a drafter reads it: head and tail, and how much is missing."""

from __future__ import annotations

MAX_OUTPUT = 4000
"""Characters of tool output, and of a call's arguments, that are quoted whole."""


def clipped(text: str, limit: int = MAX_OUTPUT) -> str:
    """The text if it has at most ``limit`` characters, else two thirds head and one third tail of that."""
    if len(text) <= limit:
        return text
    head, tail = limit * 2 // 3, limit // 3
    missing = text[head:-tail]
    note = f"[... {len(missing)} characters, {missing.count(chr(10))} line breaks left out ...]"
    return f"{text[:head]}\n{note}\n{text[-tail:]}"
