"""Any value as JSON data and back: what JSON cannot say is tagged, what nothing can say is told.

Frameworks keep more than JSON in a message: tool artifacts are whatever the tool returned, and content
blocks may hold bytes. Nothing is pickled, and reading back makes plain values and the kinds that were named
only.
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

TAG = "$plain"
"""The key that marks a tagged value; a dict of the user's that has it is itself tagged."""
logger = logging.getLogger(__name__)

Kinds = Mapping[type, tuple[Callable[[Any], Any], Callable[[Any], Any]]]
"""By class, how its value is told in other values, and how it is made of them again."""

_KINDS: Kinds = {
    bytes: (lambda value: base64.b64encode(value).decode("ascii"), base64.b64decode),
    tuple: (list, tuple),
    set: (list, set),
    frozenset: (list, frozenset),
    datetime: (datetime.isoformat, datetime.fromisoformat),
    date: (date.isoformat, date.fromisoformat),
    time: (time.isoformat, time.fromisoformat),
    timedelta: (
        lambda value: [value.days, value.seconds, value.microseconds],
        lambda data: timedelta(*data),
    ),
    Decimal: (str, Decimal),
    UUID: (str, UUID),
    complex: (lambda value: [value.real, value.imag], lambda data: complex(*data)),
}


class PlainCodec:
    """Values as JSON data, and back. ``kinds`` are a framework's classes, known by their names.

    An object of any other class becomes its fields, as ``fields`` tells them, and comes back as those: a
    warning says of which class it was, not what was in it.
    """

    def __init__(self, kinds: Kinds | None = None, *, fields: Callable[[Any], Any] = repr) -> None:
        self._kinds = {**_KINDS, **(kinds or {})}
        self._makers = {kind.__name__: make for kind, (_, make) in self._kinds.items()}
        self._fields = fields

    def write(self, value: Any) -> Any:
        """JSON data that `read` makes the value of again."""
        if value is None or type(value) in (str, bool):
            return value
        if type(value) is list:
            return [self.write(part) for part in cast("list[Any]", value)]
        if type(value) is dict:  # before what only looks like one, which takes longer to tell
            return self._mapping(cast("dict[Any, Any]", value))
        if isinstance(value, str):
            return str.__str__(value)  # of an enum its value, not its name
        if isinstance(value, (int, float)):
            return _number(value)
        if isinstance(value, Mapping):
            return self._mapping(cast("Mapping[Any, Any]", value))
        kind = self._kinds.get(cast("type[Any]", type(value)))
        if kind is not None:
            return {TAG: type(value).__name__, "data": self.write(kind[0](value))}
        return self._object(value)

    def read(self, data: Any) -> Any:
        """The value that `write` was given. Raises `ValueError` for a tag that is not known."""
        if isinstance(data, list):
            return [self.read(part) for part in cast("list[Any]", data)]
        if not isinstance(data, dict):
            return data
        fields = cast("dict[str, Any]", data)
        if TAG not in fields:
            return {key: self.read(value) for key, value in fields.items()}
        tag, inner = fields[TAG], fields["data"]
        if tag == "float":
            return float(inner)
        if tag == "dict":
            return {self.read(key): self.read(value) for key, value in inner}
        if tag == "object":
            return self.read(inner["value"])
        make = self._makers.get(tag)
        if make is None:
            raise ValueError(f"{tag!r} is no kind of value that is stored")
        return make(self.read(inner))

    def _mapping(self, value: Mapping[Any, Any]) -> Any:
        if TAG not in value and all(type(key) is str for key in value):
            return {key: self.write(part) for key, part in value.items()}
        return {TAG: "dict", "data": [[self.write(key), self.write(part)] for key, part in value.items()]}

    def _object(self, value: Any) -> Any:
        """What an object is made of: a sequence's parts, its fields, or its ``repr``."""
        kind = f"{type(value).__module__}.{type(value).__qualname__}"
        logger.warning("a %s is kept as plain data, since JSON has no such thing", kind)
        return {TAG: "object", "data": {"class": kind, "value": self.write(self._fields(value))}}


def _number(value: float) -> Any:
    """Numbers are as they are, but JSON has neither infinities nor NaN; an enum of numbers is its value."""
    if isinstance(value, int):
        return int(value)
    return float(value) if math.isfinite(value) else {TAG: "float", "data": repr(float(value))}
