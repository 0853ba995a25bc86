"""What edits are made of: a result's content replaced in place, text clipped, notes that say where it is."""

from __future__ import annotations

import re

from context_compaction.messages import Block, MediaBlock, TextBlock, ToolCallBlock, ToolResultBlock
from context_compaction.render import quoted_result
from context_compaction.strategies.base import Scene
from context_compaction.view import Edited, LogRecord

_BRACKETS = re.compile(r"[\[\]\s]+")
_PLAIN = re.compile(r"[\w./-]*")
_FAILURE = re.compile(
    r"\W{0,8}(?:\w{0,40}(?:error|exception)|traceback|fatal|failed|failure|panic)\b", re.IGNORECASE
)
_ABSENCE = ("no such file", "not found", "does not exist", "permission denied", "could not find")
_OPENING = 220
"""Characters of the first line in which words of absence count."""
_SHORT_OUTPUT = 600
"""Characters up to which a sentence like ``file not found`` is taken to be the whole answer."""


def recall_note(seq: int, *, references: bool) -> str:
    """Where the original is, to stand at the end of a placeholder; empty without an archive."""
    return f" - recall m:{seq}" if references else ""


def result_of(record: LogRecord) -> ToolResultBlock | None:
    """The result that a record carries, whether it is shown as one or quoted."""
    return record.message.tool_result


def call_of(scene: Scene, record: LogRecord) -> ToolCallBlock | None:
    """The call that a result answers; None for an orphan, or when several calls share its id."""
    result, asking = result_of(record), scene.log.records.get(record.group)
    if result is None or asking is None or asking.seq == record.seq:
        return None
    calls = [
        block
        for block in asking.message.blocks
        if isinstance(block, ToolCallBlock) and block.id == result.call_id
    ]
    return calls[0] if len(calls) == 1 else None


def tool_name(scene: Scene, record: LogRecord) -> str:
    """The name of the tool that a result comes from, fit to stand in a placeholder."""
    call, result = call_of(scene, record), result_of(record)
    name = (call.name if call else None) or (result.name if result else None) or "tool"
    return plain(name)


def plain(name: str) -> str:
    """A name or path that cannot break the brackets it stands in: its last 120 characters."""
    return name if len(name) <= 120 and _PLAIN.fullmatch(name) else _BRACKETS.sub("_", name)[-120:]


def is_replaced(edit: Edited | None) -> bool:
    """Whether a placeholder already stands for the message's content."""
    return edit is not None and not {"cleared", "duplicate"}.isdisjoint(edit.reason.split("+"))


def failed(record: LogRecord) -> bool:
    """Whether a result says that the call failed, marked as an error or not."""
    result = result_of(record)
    if result is None or result.is_error:
        return result is not None
    if len(result.content) > _SHORT_OUTPUT:
        return False
    opening = result.content.partition("\n")[0][:_OPENING].lower()
    return bool(_FAILURE.match(result.content)) or any(words in opening for words in _ABSENCE)


def blocks_of(record: LogRecord, edit: Edited | None) -> tuple[Block, ...]:
    """What the view shows for a record now."""
    return edit.blocks if edit else record.shown.blocks


def shown_tokens(record: LogRecord, edit: Edited | None) -> int:
    """What the view spends on a record now."""
    return edit.tokens if edit else record.tokens


def with_result(
    record: LogRecord, edit: Edited | None, content: str, *, references: bool, media: bool = True
) -> tuple[Block, ...]:
    """The shown blocks with another content of the result, quoted if that is how it is shown."""
    blocks = blocks_of(record, edit)
    rest = tuple(block for block in blocks if isinstance(block, MediaBlock)) if media else ()
    result = result_of(record)
    if result is None:
        raise ValueError(f"m:{record.seq} carries no result")
    changed = ToolResultBlock(result.call_id, content, result.name, result.is_error)
    if record.shown.role == "tool":
        return (changed, *rest)
    quoted = quoted_result(record.message.with_blocks((changed,)), record.seq, references=references)
    return (*quoted.blocks, *rest)


def clip(text: str, head: int, tail: int, note: str = "") -> str:
    """The first ``head`` and last ``tail`` characters around a marker that says how much is missing."""
    omitted = len(text) - head - tail
    if omitted <= 0:
        return text
    return f"{text[:head]}\n[... {omitted} characters omitted{note} ...]\n{text[len(text) - tail :]}"


def media_note(block: MediaBlock, note: str) -> TextBlock:
    """What stands in place of an image or the like."""
    return TextBlock(f"[{block.kind} omitted{note}]")
