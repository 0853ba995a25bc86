"""Log records as passages: what a drafter is given to read."""

from __future__ import annotations

from collections.abc import Callable

from context_compaction.drafting.base import Passage
from context_compaction.messages import Block, MediaBlock, ReasoningBlock, TextBlock, ToolCallBlock
from context_compaction.text.clipping import clipped
from context_compaction.text.dates import date_text
from context_compaction.text.thinking import without_thinking
from context_compaction.view import LogRecord, SummaryRecord

Redact = Callable[[str], str]


def unchanged(text: str) -> str:
    """The text as it is: nothing to hide from a drafter."""
    return text


def passage_of(record: LogRecord, *, references: bool = True, redact: Redact = unchanged) -> Passage:
    """The message as transcript text: words, ``name(arguments)`` on a line for each call, tool output.

    Reasoning and ``<think>`` text are left out, media are named, and of tool output and arguments over
    `MAX_OUTPUT` characters head and tail are quoted around a note of what is missing. ``redact`` goes over
    each whole part before that: half a key would not be known for one.
    """
    message = record.message
    result = message.tool_result
    parts = (_part(block, redact, thinks=record.features.thinks) for block in message.blocks)
    name = message.name or (result.name if result else None)
    return Passage(
        ref=f"m:{record.seq}" if references else "",
        role="system" if message.is_system else message.role,
        text="\n".join(part for part in parts if part),
        name=redact(name) if name else None,
        date=date_text(message.timestamp),
        is_error=result is not None and result.is_error,
    )


def summary_passage(
    summary: SummaryRecord, *, references: bool = True, redact: Redact = unchanged
) -> Passage:
    """An earlier summary, to be distilled with others."""
    return Passage(ref=summary.ref if references else "", role="summary", text=redact(summary.text))


def _part(block: Block, redact: Redact, *, thinks: bool) -> str:
    if isinstance(block, TextBlock):
        return redact(without_thinking(block.text) if thinks else block.text)
    if isinstance(block, ReasoningBlock):
        return ""
    if isinstance(block, ToolCallBlock):
        return f"{redact(block.name)}({clipped(redact(block.arguments))})"
    if isinstance(block, MediaBlock):
        return f"[{block.kind}: {redact(block.url)}]" if block.url else f"[{block.kind}]"
    return clipped(redact(block.content))
