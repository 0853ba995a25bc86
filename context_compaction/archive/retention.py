"""Which messages may be let go of, and when: the rules of `Archive.prune` over plain values.

A message goes only with its whole group, and only when every branch that sees it can do without: a result
may stand in a fork whose call is in the log it was forked from, and then both go or neither.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

ALWAYS_STAY = frozenset({"system", "developer"})
"""Roles whose messages no prune takes."""


@dataclass(frozen=True, slots=True)
class Retention:
    """`Archive.prune` run by the archive itself, at the end of an append or a commit.

    At least one of ``max_age`` and ``max_bytes`` is given. Raises `ValueError` for a limit below 0.
    """

    max_age: timedelta | float | None = None
    """How long messages are kept, in seconds; 120 days is the field's habit. None: for ever."""
    max_bytes: int | None = None
    """To how many bytes of messages and media the archive is brought back. None: it may grow."""
    uncovered: bool = False
    """Whether messages go that no summary covers, or that a view still shows."""
    every: float = 3600.0
    """Seconds at least between two runs, whichever process runs them."""

    def __post_init__(self) -> None:
        limits(self.max_age, self.max_bytes)
        if not self.every >= 0:
            raise ValueError(f"every is a number of seconds, 0 or more, not {self.every!r}")


def limits(max_age: timedelta | float | None, max_bytes: int | None) -> tuple[float | None, int | None]:
    """The limits of a prune, the age in seconds. Raises `ValueError` for none, or one that means nothing."""
    if max_age is None and max_bytes is None:
        raise ValueError("nothing says what may go: give max_age (seconds or a timedelta), max_bytes or both")
    seconds = max_age.total_seconds() if isinstance(max_age, timedelta) else max_age
    if seconds is not None and not seconds >= 0:
        raise ValueError(f"max_age is a timedelta or a number of seconds, 0 or more, not {max_age!r}")
    if max_bytes is not None and not max_bytes >= 0:
        raise ValueError(f"max_bytes is a number of bytes, 0 or more, not {max_bytes!r}")
    return seconds, max_bytes


class LogRow(NamedTuple):
    """One message that is still there, without what it says."""

    key: int
    """The archive's own number for it."""
    branch: int
    seq: int
    group: int
    role: str
    stored_at: float
    size: int
    media: bool
    """Whether it has any."""


@dataclass(frozen=True, slots=True)
class Reader:
    """One branch that sees messages, and what it cannot do without."""

    branch: int
    ends: Mapping[int, int]
    """By branch whose messages it sees, oldest ancestor first: the last number that it sees."""
    held: Collection[int]
    """Pinned, or a call that still waits for its result."""
    shown: Collection[int]
    """What the present view shows as messages."""
    covered: Collection[int]
    """What a summary stands for."""
    last_turn: int
    """The number that its last turn begins with."""

    def sees(self, row: LogRow) -> bool:
        """Whether the message is part of this branch's log."""
        return row.seq <= self.ends.get(row.branch, 0)

    def owner(self, seq: int) -> int:
        """The branch that message ``seq`` of this one's log is stored with."""
        return next(branch for branch, last in self.ends.items() if seq <= last)

    def releases(self, seq: int, *, uncovered: bool) -> bool:
        """Whether the branch can do without the message."""
        if seq in self.held:
            return False
        return uncovered or (seq in self.covered and seq not in self.shown)


class Candidate(NamedTuple):
    """A group that may go, as far as those who see it are concerned."""

    rows: tuple[LogRow, ...]
    recent: bool
    """Whether a message of it is of the last turn of a branch: those go by age only."""

    @property
    def newest(self) -> float:
        """When the last of its messages was stored."""
        return max(row.stored_at for row in self.rows)


def candidates(rows: Iterable[LogRow], readers: Sequence[Reader], *, uncovered: bool) -> list[Candidate]:
    """The groups that may go. ``readers`` are all branches that see any of ``rows``, or own one."""
    by_branch = {reader.branch: reader for reader in readers}
    groups: dict[tuple[int, int], list[LogRow]] = {}
    for row in rows:
        groups.setdefault((by_branch[row.branch].owner(row.group), row.group), []).append(row)
    return [found for group in groups.values() if (found := _candidate(group, readers, uncovered=uncovered))]


def _candidate(group: list[LogRow], readers: Sequence[Reader], *, uncovered: bool) -> Candidate | None:
    seen = [(row, reader) for row in group for reader in readers if reader.sees(row)]
    if any(row.role in ALWAYS_STAY for row in group):
        return None
    if not all(reader.releases(row.seq, uncovered=uncovered) for row, reader in seen):
        return None
    return Candidate(tuple(group), recent=any(row.seq >= reader.last_turn for row, reader in seen))
