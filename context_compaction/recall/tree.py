"""`Description`: the tree of a session as a value, and as a few lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from context_compaction.text.dates import date_text
from context_compaction.view import Range, range_text

MAX_CHARS = 2000
"""Of a text rendering, if nothing else is asked for: about 600 tokens."""
MAX_RANGES = 4
"""So many are told one by one."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the log that is treated alike."""

    ref: str
    """``s:3`` for what a summary stands for, else the messages: ``m:4-m:9``."""
    kind: Literal["summary", "gap", "shown"]
    """How the view has it: a summary (or what one was made from), a line, or the messages themselves."""
    ranges: tuple[Range, ...]
    """Its messages, ascending."""
    messages: int
    pruned: int
    """How many of the messages are gone."""
    tokens_said: int
    """Of the messages, as they were counted at append."""
    tokens_seen: int
    """Of what the view shows for them; 0 for a gap, and for a summary that it does not show."""
    first_at: float | None
    """When the earliest of them was said, in epoch seconds; None if none says when."""
    last_at: float | None
    topics: tuple[str, ...]
    """The words that tell it from the rest, most telling first."""
    generation: int | None = None
    """Of the summary."""
    sources: tuple[Stretch, ...] = ()
    """What the summary was made from: one generation down."""

    def __str__(self) -> str:
        kind = "" if self.generation is None else f" (generation {self.generation})"
        what = f"{self.kind}{kind}" if self.ref.startswith("m:") else f"{self.kind}{kind} of {self.place}"
        size = f"{self.messages:,} messages, {self.tokens_said:,} tokens"
        parts = [f"{self.ref} {what}: {size}", f"{self.pruned:,} pruned" if self.pruned else "", self.days]
        about = f": {', '.join(self.topics)}" if self.topics else ""
        return ", ".join(part for part in parts if part) + about

    @property
    def place(self) -> str:
        """The messages, as references; of many ranges how many there are."""
        if len(self.ranges) <= MAX_RANGES:
            return range_text(self.ranges)
        whole = range_text(((self.ranges[0][0], self.ranges[-1][1]),))
        return f"{len(self.ranges)} ranges within {whole}"

    @property
    def days(self) -> str:
        """From when to when, in UTC; empty if nothing says so."""
        first, last = ((date_text(at) or "")[:10] for at in (self.first_at, self.last_at))
        return first if first == last else f"{first} to {last}"


@dataclass(frozen=True, slots=True)
class Description:
    """A session at a glance. The stretches hold each message of the log once."""

    session_id: str
    namespace: str
    stretches: tuple[Stretch, ...]
    """In log order, by their first message."""

    @property
    def messages(self) -> int:
        """How many the log has."""
        return sum(stretch.messages for stretch in self.stretches)

    @property
    def tokens_said(self) -> int:
        """Of the log."""
        return sum(stretch.tokens_said for stretch in self.stretches)

    @property
    def tokens_seen(self) -> int:
        """Of what the view shows for it, without the frame around summaries and gaps."""
        return sum(stretch.tokens_seen for stretch in self.stretches)

    def __str__(self) -> str:
        return self.text()

    def text(self, max_chars: int = MAX_CHARS) -> str:
        """A line for each stretch, with its sources below it; as deep and as many as there is room for."""
        depth = max((_depth(stretch) for stretch in self.stretches), default=0)
        lines = [list(_lines(stretch, depth)) for stretch in self.stretches]
        while depth and _size(lines) > max_chars:
            depth -= 1
            lines = [list(_lines(stretch, depth)) for stretch in self.stretches]
        return "\n".join([self._title(), *_fitting([line for each in lines for line in each], max_chars)])

    def _title(self) -> str:
        said, seen = f"{self.tokens_said:,} tokens said", f"{self.tokens_seen:,} seen"
        return f"{self.session_id}: {self.messages:,} messages, {said}, {seen}"


def _depth(stretch: Stretch) -> int:
    return 1 + max(map(_depth, stretch.sources)) if stretch.sources else 0


def _lines(stretch: Stretch, depth: int, indent: str = "") -> Iterator[str]:
    yield f"{indent}{stretch}"
    if depth:
        for source in stretch.sources:
            yield from _lines(source, depth - 1, f"{indent}  ")


def _size(lines: Sequence[Sequence[str]]) -> int:
    return sum(len(line) + 1 for each in lines for line in each)


def _fitting(lines: Sequence[str], max_chars: int) -> list[str]:
    """All lines, or the first and as many of the last as there is room for."""
    if len(lines) < 2 or sum(len(line) + 1 for line in lines) <= max_chars:
        return list(lines)
    room, last = max_chars - len(lines[0]) - 30, list[str]()
    for line in reversed(lines[1:]):
        room -= len(line) + 1
        if room < 0:
            break
        last.insert(0, line)
    return [lines[0], f"... {len(lines) - 1 - len(last):,} more ...", *last]
