"""Which part of which log a branch sees: its own, and its ancestors' up to where it forked."""

from __future__ import annotations

from dataclasses import dataclass

from context_compaction.archive.sql.database import Database
from context_compaction.errors import StaleView

FOREVER = 2**63 - 1
"""Where a branch's own span ends."""
ACTIVATE = "UPDATE sessions SET active = ? WHERE id = (SELECT session FROM branches WHERE id = ?)"
READ_SPANS = """
SELECT ancestor, last_seq, last_summary FROM spans WHERE branch = ? ORDER BY last_seq, ancestor
"""


@dataclass(frozen=True, slots=True)
class Span:
    """Messages ``first`` to ``last`` of one log, and its summaries up to ``last_summary``."""

    branch: int
    first: int
    last: int
    last_summary: int


def spans_of(connection: Database, branch: int) -> list[Span]:
    """What the branch sees, oldest ancestor first. Raises `StaleView` when there is no such branch."""
    spans: list[Span] = []
    first = 1
    for ancestor, last, last_summary in connection.execute(READ_SPANS, (branch,)):
        spans.append(Span(ancestor, first, last, last_summary))
        first = last + 1 if last < FOREVER else last
    if not spans:
        raise gone(branch)
    return spans


def clipped(span: Span, first: int, last: int) -> tuple[int, int, int]:
    """Branch, first and last number of what ``span`` has of a range (an empty one when nothing)."""
    return span.branch, max(span.first, first), min(span.last, last)


def gone(branch: int) -> StaleView:
    """The error for a branch that is not there any more."""
    return StaleView(
        f"branch {branch} is not in this archive any more: its session was forgotten; open it again"
    )


def left(branch: int) -> StaleView:
    """The error for a branch that its session no longer goes on with."""
    return StaleView(f"the session has gone on to another branch than {branch}; open it again")
