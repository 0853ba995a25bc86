"""Any value as JSON data and back: what JSON cannot say is tagged, what nothing can say is told.

LangChain keeps more than JSON in a message: tool artifacts are whatever the tool returned, and content
blocks may hold bytes. Nothing is pickled, and reading back makes plain values and documents only.
"""

from __future__ import annotations

import base64
import logging
import math
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

from langchain_core.documents import Document

TAG = "$plain"
"""The key that marks a tagged value; a dict of the user's that has it is itself tagged."""
logger = logging.getLogger(__name__)

_WRITERS: dict[type, Callable[[Any], Any]] = {
    bytes: lambda value: base64.b64encode(value).decode("ascii"),
    tuple: lambda value: [to_plain(part) for part in value],
    set: lambda value: [to_plain(part) for part in value],
    frozenset: lambda value: [to_plain(part) for part in value],
    datetime: datetime.isoformat,
    date: date.isoformat,
    time: time.isoformat,
    timedelta: lambda value: [value.days, value.seconds, value.microseconds],
    Decimal: str,
    UUID: str,
    complex: lambda value: [to_plain(value.real), to_plain(value.imag)],
    Document: lambda value: to_plain(
        {"id": value.id, "page_content": value.page_content, "metadata": value.metadata}
    ),
}
_READERS: dict[str, Callable[[Any], Any]] = {
    "bytes": base64.b64decode,
    "tuple": lambda data: tuple(from_plain(data)),
    "set": lambda data: set(from_plain(data)),
    "frozenset": lambda data: frozenset(from_plain(data)),
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "timedelta": lambda data: timedelta(*data),
    "Decimal": Decimal,
    "UUID": UUID,
    "complex": lambda data: complex(*map(float, from_plain(data))),
    "Document": lambda data: Document(**from_plain(data)),
    "float": float,
    "dict": lambda data: {from_plain(key): from_plain(value) for key, value in data},
    "object": lambda data: from_plain(data["value"]),
}


def to_plain(value: Any) -> Any:
    """JSON data that `from_plain` makes the value of again.

    An object of a class not known here becomes its fields, or else its ``repr``, and comes back as those:
    a warning says of which class it was, not what was in it.
    """
    if value is None or isinstance(value, (str, bool)):
        return value if type(value) in (str, bool, type(None)) else str(value)
    if isinstance(value, (int, float)):
        return _number(value)
    if isinstance(value, Mapping):
        return _mapping(cast("Mapping[Any, Any]", value))
    if type(value) is list:
        return [to_plain(part) for part in cast("list[Any]", value)]
    writer = _WRITERS.get(cast("type[Any]", type(value)))
    if writer is not None:
        return {TAG: type(value).__name__, "data": writer(value)}
    return _object(value)


def from_plain(data: Any) -> Any:
    """The value that `to_plain` was given. Raises `ValueError` for a tag that is not ours."""
    if isinstance(data, list):
        return [from_plain(part) for part in cast("list[Any]", data)]
    if not isinstance(data, dict):
        return data
    fields = cast("dict[str, Any]", data)
    if TAG not in fields:
        return {key: from_plain(value) for key, value in fields.items()}
    reader = _READERS.get(fields[TAG])
    if reader is None:
        raise ValueError(f"{fields[TAG]!r} is no kind of value that is stored")
    return reader(fields["data"])


def _number(value: float) -> Any:
    """Numbers are as they are, but JSON has neither infinities nor NaN; an enum of numbers is its value."""
    if isinstance(value, int):
        return int(value)
    return float(value) if math.isfinite(value) else {TAG: "float", "data": repr(float(value))}


def _mapping(value: Mapping[Any, Any]) -> Any:
    if TAG not in value and all(type(key) is str for key in value):
        return {key: to_plain(part) for key, part in value.items()}
    return {TAG: "dict", "data": [[to_plain(key), to_plain(part)] for key, part in value.items()]}


def _object(value: Any) -> Any:
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    logger.warning("a %s is kept as plain data, since JSON has no such thing", kind)
    return {TAG: "object", "data": {"class": kind, "value": _fields(value)}}


def _fields(value: Any) -> Any:
    """What an object is made of: a sequence's parts, a model's or data class's fields, or its ``repr``."""
    from pydantic_core import to_jsonable_python

    return to_plain(to_jsonable_python(value, inf_nan_mode="strings", fallback=repr, serialize_unknown=True))
