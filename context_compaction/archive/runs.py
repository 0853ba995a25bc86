"""A log cut into runs: rows in which each follows from the one before, by the hashes that are stored."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

DEEP = 8
"""So many stored hashes edited in a row are told from as many edited texts."""


class Link(NamedTuple):
    """One stored row as the chain sees it."""

    seq: int
    hash: bytes
    text: bytes | None
    """Canonical JSON; None where there is none to check by: then the stored hash is taken as it is."""
    whole: bool
    """Whether all else that is stored about the text agrees with it."""


@dataclass(frozen=True, slots=True)
class Ends:
    """Where a log begins and ends, by what its branch and its ancestor say."""

    start: int
    """Number of the last message before it: 0, or where the branch forked."""
    bases: tuple[bytes, ...]
    """What its first hash may be chained to (an edited hash has two readings); empty if that is gone."""
    last: int
    tip: bytes | None
    """Hash of message ``last``; None if the log is looked at up to a fork only."""


@dataclass(slots=True)
class Run:
    """Rows that follow from each other. The first run begins with what stood before the log."""

    first: int
    last: int
    head: bytes = b""
    tail: bytes = b""
    joint: Literal["base", "open", "blind", "broken"] = "base"
    """What it is to the run that stands before it. open: behind a hole. blind: its head has no text to
    check by. broken: it does not follow."""
    whole: bool = True
    """Of its head."""
    excused: bool = False
    """The row before its head is known to be changed: that is why it does not follow."""
    before: int | None = None
    """The run that it follows, where that was found."""
    sought: bool = False
    """Whether that was looked for."""
    holds: int | None = None
    """The message whose text its head has."""
    shift: int | None = None
    """What to add to a number of it for the one that it had. None: it never had one here."""


def cut(rows: Iterable[Link], ends: Ends) -> tuple[list[Run], list[int]]:
    """The runs, the first of which begins with what stood before the log; and the rows with edited hashes.

    A stored hash was edited where what follows fits the one that the row's text gives.
    """
    cutting = _Rows(ends)
    for row in rows:
        cutting.add(row)
    cutting.end()
    return cutting.runs, cutting.edited


def chained(previous: bytes, text: bytes) -> bytes:
    """The hash of a message with this canonical JSON."""
    return hashlib.sha256(previous + text).digest()


@dataclass(slots=True)
class _Rows:
    """Takes rows one by one and cuts them into runs."""

    ends: Ends
    runs: list[Run] = field(default_factory=list[Run])
    edited: list[int] = field(default_factory=list[int])
    known: list[tuple[bytes, int]] = field(default_factory=list[tuple[bytes, int]])
    """Hashes that the next row may be chained to, each with how many stored ones before it are then wrong."""
    blind: bool = False
    whole: bool = True

    def __post_init__(self) -> None:
        start, bases = self.ends.start, self.ends.bases
        self.runs.append(Run(start, start, tail=bases[0] if bases else b""))
        self.known = [] if self.ends.tip in bases[:1] else [(base, 0) for base in bases]

    def add(self, row: Link) -> None:
        run = self.runs[-1]
        follows = row.seq == run.last + 1 and bool(self.known)
        links = _links(self.known, row.text) if follows and row.text is not None else []
        wrong = next((count for link, count in links if link == row.hash), None)
        if wrong is not None:
            self._trust(wrong)
        elif not (follows and row.text is None and self.blind):
            joint = "open" if not follows else "blind" if row.text is None else "broken"
            excused = follows and not self.whole
            self.runs.append(Run(row.seq, row.seq, row.hash, row.hash, joint, row.whole, excused))
        self.runs[-1].last, self.runs[-1].tail = row.seq, row.hash
        deeper = [(link, count + 1) for link, count in links][: DEEP - 1] if wrong is None else []
        # Nothing follows the end that the branch remembers, even if it would fit.
        self.known = [] if row.hash == self.ends.tip else [(row.hash, 0), *deeper]
        self.blind, self.whole = row.text is None, row.whole

    def end(self) -> None:
        """If the end proves that the last stored hashes are the ones that were edited, take it so."""
        wrong = next((count for link, count in self.known if link == self.ends.tip), None)
        if wrong is not None and self.ends.tip is not None:
            last = self.runs[-1].last
            self._trust(wrong)
            self.runs[-1].last, self.runs[-1].tail = last, self.ends.tip

    def _trust(self, wrong: int) -> None:
        """The last ``wrong`` rows, each a run of its own by now, follow after all: by their texts."""
        if wrong:
            self.edited += range(self.runs[-1].last - wrong + 1, self.runs[-1].last + 1)
            del self.runs[-wrong:]


def _links(known: list[tuple[bytes, int]], text: bytes) -> list[tuple[bytes, int]]:
    return [(chained(previous, text), wrong) for previous, wrong in known]
