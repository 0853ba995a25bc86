"""What `grep` looks for: a literal text or a regular expression, in bounded time whatever is asked."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

from context_compaction.errors import QueryError

MAX_PATTERN = 1000
"""Characters of a regular expression."""
LINE_SECONDS = 1.0
"""A regular expression may look so long at one line."""
Span = tuple[int, int]
Find = Callable[[str], Span | None]
"""Where in a line the first match is."""


def finder(pattern: object, *, regex: bool, ignore_case: bool) -> Find:
    """What finds a pattern in a line. Raises `QueryError` for one that cannot be looked for."""
    if not isinstance(pattern, str) or not pattern:
        raise QueryError("the pattern to grep for is a text of at least one character")
    if regex:
        return _expression(pattern, ignore_case=ignore_case)
    if "\n" in pattern:
        raise QueryError("grep looks at one line at a time: a pattern with a newline in it is never there")
    if ignore_case:
        return _searching(re.compile(re.escape(pattern), re.IGNORECASE).search)
    return lambda line: (at, at + len(pattern)) if (at := line.find(pattern)) >= 0 else None


def _expression(pattern: str, *, ignore_case: bool) -> Find:
    import regex  # its matching can be given a time limit, which `re`'s cannot

    if len(pattern) > MAX_PATTERN:
        raise QueryError(
            f"the regular expression has {len(pattern)} characters; {MAX_PATTERN} at most are taken"
        )
    try:
        compiled = regex.compile(pattern, regex.IGNORECASE if ignore_case else 0)
    except (regex.error, RecursionError, ValueError, OverflowError, IndexError) as error:
        reason = "it is nested too deep" if isinstance(error, RecursionError) else error
        raise QueryError(f"{pattern[:80]!r} is no regular expression: {reason}") from error

    def search(line: str) -> Any:
        began = time.monotonic()
        try:
            return compiled.search(line, timeout=LINE_SECONDS, concurrent=True)
        except (TimeoutError, MemoryError, regex.error) as error:
            raise QueryError(
                f"{pattern[:80]!r} was given up after {time.monotonic() - began:.1f} s on one line: "
                "it can match in too many ways; repeat less within what is repeated"
            ) from error

    return _searching(search)


def _searching(search: Callable[[str], Any]) -> Find:
    def find(line: str) -> Span | None:
        found = search(line)
        return found.span() if found is not None else None

    return find
