"""The records of an export: what archives tell each other, whatever they are made of.

First the sessions, then the branches in the order they began, so that a fork comes after all that it
shares. What follows a branch is its own: messages, calls, summaries, views, compactions, pins. Sessions and
branches are named by their place in the file. Namespaces and ids are escaped as archives store them, and a
payload is the text that is stored, with a marker where large media were; these come once, as ``blob``,
before the first message that needs them.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from typing import Any, cast

from context_compaction.errors import ArchiveCorrupt
from context_compaction.events import CompactionEvent
from context_compaction.messages.message import ROLES
from context_compaction.text.features import Features
from context_compaction.view.entries import entry_from_json, pin_from_json

Check = Callable[[Any], bool]
"""Whether a value is what a field holds. What it raises over one that is not, means no."""
MAX_WHOLE = 2**63 - 1
_WRONG = (ArchiveCorrupt, LookupError, TypeError, ValueError, AttributeError, RecursionError)
_REFERENCE = re.compile(r"m:[0-9]{1,18}")
_ESCAPED = re.compile(r"(?:[ -\[\]-~]|\\(?:[\\tnr]|x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8}))*")


def whole(value: Any) -> bool:
    """A number that counts or names something."""
    return type(value) is int and 0 <= value <= MAX_WHOLE


def number(value: Any) -> bool:
    """Any number."""
    return type(value) is float or (type(value) is int and abs(value) <= MAX_WHOLE)


def flag(value: Any) -> bool:
    """0 or 1."""
    return whole(value) and value <= 1


def text(value: Any) -> bool:
    """Text as databases keep it: of characters that UTF-8 has."""
    value.encode("utf-8")
    return type(value) is str


def some_text(value: Any) -> bool:
    """`text` that is not empty."""
    return text(value) and value != ""


def any_text(value: Any) -> bool:
    """Text of whatever characters: archives keep it as JSON."""
    return type(value) is str


def name(value: Any) -> bool:
    """A name in the one escaped form that it has."""
    if not _ESCAPED.fullmatch(value):
        return False
    return value.encode("ascii").decode("unicode_escape").encode("unicode_escape").decode("ascii") == value


def reference(value: Any) -> bool:
    """A message, as a pin names it."""
    return _REFERENCE.fullmatch(value) is not None


def encoded(value: Any) -> bool:
    """Bytes as base64, in the one form that they have."""
    return base64.b64encode(base64.b64decode(value, validate=True)).decode("ascii") == value


def hexadecimal(size: int) -> Check:
    """So many bytes as hexadecimal digits."""
    return lambda value: len(value) == 2 * size and bytes.fromhex(value).hex() == value


def one_of(*values: str) -> Check:
    """One of a few words."""
    return lambda value: value in values


def maybe(check: Check) -> Check:
    """None, or what ``check`` takes."""
    return lambda value: value is None or check(value)


def list_of(check: Check) -> Check:
    """A list of what ``check`` takes."""
    return lambda value: type(value) is list and all(map(check, cast("list[Any]", value)))


def row_of(*checks: Check) -> Check:
    """A list of as many values as there are checks, each as its own one takes it."""
    return lambda value: (
        type(value) is list
        and all(check(item) for check, item in zip(checks, cast("list[Any]", value), strict=True))
    )


def ranges(value: Any) -> bool:
    """First and last numbers, ascending, not overlapping."""
    return list_of(row_of(whole, whole))(value) and all(
        first <= last and (not place or value[place - 1][1] < first)
        for place, (first, last) in enumerate(value)
    )


def notes(value: Any) -> bool:
    """A session's notes."""
    return type(value) is dict


def readable(reader: Callable[[Any], object]) -> Check:
    """What ``reader`` reads without an error."""
    return lambda value: reader(value) is not None


def view_pin(value: Any) -> bool:
    """A pin as a view keeps it."""
    return reference(pin_from_json(value).ref)


FIELDS: Mapping[str, Mapping[str, Check]] = {
    "session": {
        "number": whole,
        "namespace": name,
        "session_id": name,
        "created_at": number,
        "active": whole,
    },
    "branch": {
        "number": whole,
        "session": whole,
        "parent": maybe(whole),
        "fork_at": whole,
        "spans": list_of(row_of(whole, whole, whole)),
        "version": whole,
        "next_summary": whole,
        "last_seq": whole,
        "tip": lambda value: value == "" or hexadecimal(32)(value),
        "state": notes,
        "created_at": number,
    },
    "blob": {"hash": hexadecimal(32), "encoding": one_of("base64", "text"), "data": encoded},
    "message": {
        "seq": whole,
        "message_id": maybe(name),
        "role": one_of(*ROLES),
        "kind": one_of("plain", "call", "live", "late", "orphan"),
        "group_first": whole,
        "tokens": whole,
        "counter": text,
        "epoch": maybe(number),
        "stored_at": number,
        "supersedes": maybe(whole),
        "hash": hexadecimal(32),
        "digest": hexadecimal(16),
        "size": whole,
        "pruned_at": maybe(number),
        "features": maybe(readable(Features.from_json)),
        "payload": maybe(some_text),
    },
    "call": {
        "seq": whole,
        "position": whole,
        "call_id": name,
        "closed_at": maybe(whole),
        "answered_by": maybe(whole),
    },
    "summary": {
        "number": whole,
        "tokens": whole,
        "generation": whole,
        "writer": text,
        "fidelity": number,
        "text": any_text,
        "ranges": ranges,
        "sources": list_of(whole),
    },
    "view": {
        "version": whole,
        "head_end": whole,
        "pins": list_of(view_pin),
        "entries": list_of(readable(entry_from_json)),
    },
    "compaction": {
        "at_seq": whole,
        "version": whole,
        "committed": flag,
        "happened_at": number,
        "event": readable(CompactionEvent.from_json),
    },
    "pin": {"ref": reference, "text": any_text},
}
"""The fields of each kind of record, in the order in which they are written."""


def flaw(record: Mapping[str, Any]) -> str:
    """What is wrong with a record, in words; nothing if it is as it should be."""
    kind = record.get("type")
    fields = FIELDS.get(kind) if isinstance(kind, str) else None
    if fields is None:
        return "a record of no known type"
    if missing := [field for field in fields if field not in record]:
        return f"a {kind} without {', '.join(missing)}"
    if len(record) > len(fields) + 1:
        return f"a {kind} with more fields than it has"
    wrong = next((field for field, check in fields.items() if not _holds(check, record[field])), None)
    return f"a {kind} with an impossible {wrong}" if wrong else ""


def _holds(check: Check, value: Any) -> bool:
    try:
        return check(value)
    except _WRONG:
        return False
