"""Tool-call arguments made shorter without ever cutting JSON text: they stay a valid JSON object."""

from __future__ import annotations

import json
from typing import Any, NoReturn, cast

from context_compaction.messages import Block, ToolCallBlock

NOTE_KEY = "_omitted"


def shorten_arguments(arguments: str, *, value_chars: int, note: str = "") -> str:
    """Clip every string longer than ``value_chars`` inside the arguments.

    Arguments that are no JSON object, or that are as long for other reasons, become an object with a note.
    What comes back is never longer than what came in, unless that was shorter than the note.
    """
    data = _parsed(arguments)
    if data is None:
        return _only_note(arguments, note)
    short = json.dumps(_clipped(data, value_chars, note), ensure_ascii=False)
    return short if len(short) <= max(len(arguments) // 2, 4 * value_chars) else _only_note(arguments, note)


def with_short_arguments(
    blocks: tuple[Block, ...], calls: frozenset[str] | None, *, longer: int, value_chars: int, note: str
) -> tuple[Block, ...]:
    """The blocks with arguments over ``longer`` characters shortened, of these calls only (None: all)."""
    return tuple(
        ToolCallBlock(
            block.id, block.name, shorten_arguments(block.arguments, value_chars=value_chars, note=note)
        )
        if isinstance(block, ToolCallBlock)
        and len(block.arguments) > longer
        and (calls is None or block.id in calls)
        else block
        for block in blocks
    )


def _parsed(arguments: str) -> dict[str, Any] | None:
    try:
        data = json.loads(arguments, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, Any]", data) if isinstance(data, dict) else None


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _clipped(value: Any, limit: int, note: str) -> Any:
    if isinstance(value, str):
        omitted = len(value) - limit
        return f"{value[:limit]} [... {omitted} characters omitted{note}]" if omitted > 64 else value
    if isinstance(value, dict):
        return {key: _clipped(item, limit, note) for key, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_clipped(item, limit, note) for item in cast("list[Any]", value)]
    return value


def _only_note(arguments: str, note: str) -> str:
    return json.dumps({NOTE_KEY: f"{len(arguments)} characters of arguments{note}"})
