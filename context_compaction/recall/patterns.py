"""What `grep` looks for: a literal text or a regular expression, in bounded time whatever is asked."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from context_compaction.errors import QueryError

MAX_PATTERN = 1000
"""Characters of a regular expression. The time limit is not looked at while a long literal is searched for:
one of 50,000 took minutes on a line of a million."""
LINE_SECONDS = 1.0
"""A regular expression may look so long at one line."""
Span = tuple[int, int]
Find = Callable[[str], Span | None]
"""Where in a line the first match is."""


def finder(pattern: object, *, regex: bool, ignore_case: bool) -> Find:
    """What finds a pattern in a line. Raises `QueryError` for one that cannot be looked for."""
    if not isinstance(pattern, str) or not pattern:
        raise QueryError("the pattern to grep for is a text of at least one character")
    if not regex and "\n" in pattern:
        raise QueryError("grep looks at one line at a time: a pattern with a newline in it is never there")
    if regex or ignore_case:
        return _expression(pattern, literal=not regex, ignore_case=ignore_case)
    return lambda line: (at, at + len(pattern)) if (at := line.find(pattern)) >= 0 else None


def _expression(pattern: str, *, literal: bool, ignore_case: bool) -> Find:
    import regex  # its matching can be given a time limit, which `re`'s cannot

    if len(pattern) > MAX_PATTERN:
        raise QueryError(
            f"the pattern has {len(pattern):,} characters; as an expression, or where case is ignored, "
            f"{MAX_PATTERN:,} at most are taken"
        )
    try:
        written = regex.escape(pattern) if literal else pattern
        compiled = regex.compile(written, regex.IGNORECASE if ignore_case else 0)
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

    return lambda line: found.span() if (found := search(line)) is not None else None
