"""Reading a call's arguments by its tool's rule: path and lines."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from context_compaction.messages import ToolCallBlock
from context_compaction.tools.rule import OTHER, LineRange, Names, ToolKind, ToolRule, ToolUse

_SPAN = re.compile(r"\s*(\d{1,9})\s*(?:[-:,]|\.\.)\s*(-?\d{1,9})?\s*")
_PATCHED = re.compile(r"^(?:\*\*\* (?:Update|Add|Delete) File: |\+\+\+ (?:b/)?)(\S[^\n\t]*)", re.MULTILINE)
_WINDOW = frozenset({"line", "line_number", "page", "cursor", "tail"})
"""Arguments that ask for a part of a file without saying how much of it."""


def read_arguments(rule: ToolRule, call: ToolCallBlock) -> ToolUse:
    """What the call does; ``other`` when its arguments are invalid JSON or cannot be understood."""
    data = call.parsed()
    return OTHER if data is None else _Arguments(data, rule).use()


@dataclass(frozen=True, slots=True)
class _Arguments:
    """Parsed arguments, read by a rule."""

    data: dict[str, Any]
    rule: ToolRule
    unclear: list[str] = field(default_factory=list[str])
    """Names of range arguments that could not be understood."""

    def use(self) -> ToolUse:
        kind, path = self._kind(), self._path()
        if kind == "other" or not path:
            return OTHER
        if kind == "write":
            return ToolUse(kind, path)
        lines = self._range()
        return OTHER if self.unclear or self._windowed() else ToolUse(kind, path, lines)

    def _windowed(self) -> bool:
        used = (self.rule.start, self.rule.end, self.rule.count, self.rule.span)
        return any(name in self.data for name in _WINDOW.difference(*map(_names, used)))

    def _kind(self) -> ToolKind:
        if self.rule.kinds is None:
            return self.rule.kind
        return self.rule.kinds.get(str(self.data.get("command")), self.rule.kind)

    def _path(self) -> str:
        found = self._first(self.rule.path)
        if found is not None:
            return _tidy(found[1]) if isinstance(found[1], str) else ""
        patch = self._first(self.rule.patch)
        files = set(_PATCHED.findall(str(patch[1]))) if patch else set[str]()
        return _tidy(files.pop()) if len(files) == 1 else ""

    def _range(self) -> LineRange | None:
        if (span := self._first(self.rule.span)) is not None:
            return self._ordered(*self._span(*span))
        start, end = self._number(self.rule.start), self._number(self.rule.end)
        count = self._number(self.rule.count)
        if end is None and count is not None:
            # without a start it is not known whether lines count from 0 or 1; this never claims too much
            end = (start or 0) + count - 1
        return self._ordered(start, end)

    def _ordered(self, start: int | None, end: int | None) -> LineRange | None:
        first, last = start or 0, None if end == -1 else end
        if first < 0 or (last is not None and last < first):
            self.unclear.append("range")
        return None if first <= 1 and last is None else (first, last)

    def _span(self, name: str, value: Any) -> tuple[int | None, int | None]:
        if isinstance(value, str) and (found := _SPAN.fullmatch(value)):
            return int(found[1]), int(found[2]) if found[2] else None
        if isinstance(value, list):
            numbers = [_integer(item) for item in cast("list[Any]", value)]
            if len(numbers) == 2 and numbers[0] is not None and numbers[1] is not None:
                return numbers[0], numbers[1]
        self.unclear.append(name)
        return None, None

    def _number(self, names: Names) -> int | None:
        found = self._first(names)
        if found is None:
            return None
        number = _integer(found[1])
        if number is None:
            self.unclear.append(found[0])
        return number

    def _first(self, names: Names) -> tuple[str, Any] | None:
        for name in _names(names):
            if (value := self.data.get(name)) is not None:
                return name, value
        return None


def _names(names: Names) -> Sequence[str]:
    return (names,) if isinstance(names, str) else names


def _integer(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,9}", value.strip()):
        return int(value)
    whole = isinstance(value, (int, float)) and abs(value) < 1e9 and value == int(value)
    return int(value) if whole else None


def _tidy(path: str) -> str:
    r"""One spelling for ``./a.py`` and ``a.py``, ``a\b.py`` and ``a/b.py``."""
    path = path.strip().replace("\\", "/")
    return posixpath.normpath(path) if path else ""
