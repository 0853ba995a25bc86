"""Log records as passages: what a drafter reads of a conversation."""

from __future__ import annotations

from context_compaction.counting import TokenCounter
from context_compaction.drafting.base import Passage
from context_compaction.messages import (
    Block,
    MediaBlock,
    Message,
    ReasoningBlock,
    TextBlock,
    ToolCallBlock,
)
from context_compaction.text.dates import date_text
from context_compaction.text.thinking import without_thinking
from context_compaction.view import LogRecord

MAX_OUTPUT = 4000
"""Characters of a tool's output that are quoted; of a longer one two thirds head, one third tail."""
ENVELOPE_TOKENS = 8
"""What a passage costs beyond its text and header: the delimiters around it."""


def passage_of(record: LogRecord, *, references: bool = True) -> Passage:
    """The message as transcript text: words, ``name(arguments)`` a line for each call, tool output.

    Reasoning and ``<think>`` text are left out, media are named, tool output over `MAX_OUTPUT` characters is
    shown as head and tail with a note of its size. ``references=False`` leaves the reference empty.
    """
    message = record.shown
    result = message.tool_result
    return Passage(
        ref=f"m:{record.seq}" if references else "",
        role="system" if message.is_system else message.role,
        text=_text(message),
        name=message.name or (result.name if result else None),
        date=date_text(message.timestamp),
        is_error=result is not None and result.is_error,
    )


def passage_tokens(passage: Passage, counter: TokenCounter) -> int:
    """Tokens that the passage takes when it is quoted with its header."""
    header = header_of(passage)
    return counter.text(passage.text) + counter.text(header) + ENVELOPE_TOKENS


def header_of(passage: Passage) -> str:
    """Reference, role, speaker and date in one line: ``m:57 | tool read_file | 2023-05-08 13:56 | error``."""
    speaker = f"{passage.role} {passage.name}" if passage.name else passage.role
    parts = (passage.ref, speaker, passage.date, "error" if passage.is_error else None)
    return " | ".join(part for part in parts if part)


def clipped(text: str, limit: int = MAX_OUTPUT) -> str:
    """The text if it has at most ``limit`` characters, else its head and tail and how much is missing."""
    if len(text) <= limit:
        return text
    head, tail = limit * 2 // 3, limit // 3
    missing = text[head:-tail]
    note = f"[... {len(missing)} characters, {missing.count(chr(10))} line breaks left out ...]"
    return f"{text[:head]}\n{note}\n{text[-tail:]}"


def _text(message: Message) -> str:
    parts = (_part(block, message.role) for block in message.blocks)
    return "\n".join(part for part in parts if part)


def _part(block: Block, role: str) -> str:
    if isinstance(block, TextBlock):
        return without_thinking(block.text) if role == "assistant" else block.text
    if isinstance(block, ReasoningBlock):
        return ""
    if isinstance(block, ToolCallBlock):
        return f"{block.name}({clipped(block.arguments)})"
    if isinstance(block, MediaBlock):
        return f"[{block.kind}: {block.url}]" if block.url else f"[{block.kind}]"
    return clipped(block.content)
