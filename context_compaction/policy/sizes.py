"""Sizes as LangChain writes them: ``("tokens", n)``, ``("fraction", f)``, ``("messages", n)``."""

from __future__ import annotations

from typing import Any, Literal

from context_compaction.errors import InvalidPolicy

Size = tuple[Literal["tokens", "fraction", "messages"], float]
SizeLike = Size | float | int
"""A float up to 1 is a fraction of the input tokens, an int is a number of tokens."""


def as_size(value: Any, what: str) -> Size:
    """Check and normalise a size. Raises `InvalidPolicy` that names ``what`` is wrong."""
    if isinstance(value, bool):
        raise InvalidPolicy(
            f"{what} is {value!r}; give ('tokens', n), ('fraction', f), ('messages', n) or a number"
        )
    if isinstance(value, float) and 0 <= value <= 1:
        return ("fraction", value)
    if isinstance(value, int):
        value = ("tokens", value)
    match value:
        case ("fraction", float() | int() as number) if 0 <= number <= 1 and not isinstance(number, bool):
            return ("fraction", float(number))
        case ("tokens" | "messages" as unit, int() as number) if number >= 0 and not isinstance(number, bool):
            return (unit, number)
        case _:
            raise InvalidPolicy(
                f"{what} is {value!r}; give ('tokens', n), ('fraction', f between 0 and 1), ('messages', n), "
                "a float up to 1 or an int"
            )


def as_triggers(value: Any) -> tuple[Size, ...]:
    """One size, or a list of sizes any of which fires."""
    if isinstance(value, list):
        return tuple(as_size(item, "trigger") for item in value)  # pyright: ignore[reportUnknownVariableType]
    return (as_size(value, "trigger"),)


def in_tokens(size: Size, input_tokens: int) -> int | None:
    """The size in tokens, None for a number of messages."""
    unit, number = size
    if unit == "messages":
        return None
    return int(number * input_tokens) if unit == "fraction" else int(number)


def exceeds(size: Size, tokens: int, messages: int, input_tokens: int) -> bool:
    """Whether a view of ``tokens`` in ``messages`` is over the size."""
    limit = in_tokens(size, input_tokens)
    return messages > size[1] if limit is None else tokens > limit
