"""The promises of design §4, one a file, checked on every view before it is committed.

`prefix.extends` (7) compares two requests, and 9 (sessions never see each other) is the archive's: its
contract suite proves it. The others look at one proposed `Change`.
"""

from context_compaction.invariants.accounted import accounted
from context_compaction.invariants.base import Change, Invariant
from context_compaction.invariants.newest_user import newest_user
from context_compaction.invariants.order import order
from context_compaction.invariants.prefix import common_prefix, extends
from context_compaction.invariants.reproducible import reproducible
from context_compaction.invariants.shrinks import shrinks
from context_compaction.invariants.tool_pairs import tool_pairs
from context_compaction.invariants.verbatim import verbatim

COMMIT_INVARIANTS: tuple[Invariant, ...] = (tool_pairs, verbatim, newest_user, order, shrinks, accounted)
"""Checked before each commit. `reproducible` renders twice more and is left to the tests."""


def broken_invariant(change: Change) -> str | None:
    """The first broken promise, in words; None when all hold."""
    for invariant in COMMIT_INVARIANTS:
        problem = invariant(change)
        if problem is not None:
            return f"{invariant.__name__}: {problem}"
    return None


__all__ = [
    "COMMIT_INVARIANTS",
    "Change",
    "Invariant",
    "accounted",
    "broken_invariant",
    "common_prefix",
    "extends",
    "newest_user",
    "order",
    "reproducible",
    "shrinks",
    "tool_pairs",
    "verbatim",
]
