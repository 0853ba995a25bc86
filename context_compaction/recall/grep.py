"""`grep`: every line of a log that holds a text or matches a regular expression, in log order."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from context_compaction.archive.base import Archive
from context_compaction.counting import TokenCounter
from context_compaction.messages import Message
from context_compaction.recall.bounds import Bounds
from context_compaction.recall.lines import said_in
from context_compaction.recall.paging import Cursor, Page, check_count, check_page, mark_of
from context_compaction.recall.patterns import Find, finder

BATCH = 128
"""So many messages are read at a time."""
PAGE_SECONDS = 5.0
"""After so long a page ends, however little it found; its cursor goes on."""
MAX_CONTEXT = 20
MAX_CHARS = 400
"""Of one line as it is shown."""


@dataclass(frozen=True, slots=True)
class GrepHit:
    """One line that matches."""

    ref: str
    """``m:57``."""
    message: Message
    line: int
    """Its number in the message, from 1."""
    text: str
    """The line; of a very long one what is around the match."""
    start: int
    """Where in ``text`` the first match begins."""
    end: int
    before: tuple[str, ...] = ()
    """Lines of the same message right before it, as many as were asked for."""
    after: tuple[str, ...] = ()

    def __str__(self) -> str:
        around = [*self.before, self.text, *self.after]
        return f"[{self.ref}:{self.line}] " + "\n".join(around)


@dataclass(frozen=True, slots=True)
class Grep:
    """What to look for and where."""

    pattern: str
    regex: bool = False
    ignore_case: bool = False
    bounds: Bounds = field(default_factory=Bounds)
    context: int = 0
    """How many lines around each match to give, up to `MAX_CONTEXT`."""

    def page(
        self, archive: Archive, branch: int, counter: TokenCounter, *, max_tokens: int, cursor: str | None
    ) -> Page[GrepHit]:
        """The matches behind ``cursor``, as many as fit ``max_tokens``, one at least.

        A page may be empty and have a next one: when it took `PAGE_SECONDS`. Raises `QueryError`, also for
        an expression that takes too long on one line.
        """
        check_page(max_tokens)
        check_count("context", self.context, "how many lines", least=0, most=MAX_CONTEXT)
        find = finder(self.pattern, regex=self.regex, ignore_case=self.ignore_case)
        began = Cursor.of(cursor, mark_of(self), 1, 1, archive.tip(branch).last_seq)
        *place, last = began.places
        deadline = time.monotonic() + PAGE_SECONDS
        taken: list[GrepHit] = []
        total = 0
        for seq, line, hit in self._looked_at(archive, branch, find, (place[0], place[1]), last):
            if hit is not None:
                tokens = counter.text(str(hit))
                if taken and total + tokens > max_tokens:
                    return Page(tuple(taken), str(Cursor(began.asked, (seq, line, last))), total)
                taken.append(hit)
                total += tokens
            if time.monotonic() > deadline:
                return Page(tuple(taken), str(Cursor(began.asked, (seq, line + 1, last))), total)
        return Page(tuple(taken), None, total)

    def _looked_at(
        self, archive: Archive, branch: int, find: Find, place: tuple[int, int], last: int
    ) -> Iterator[tuple[int, int, GrepHit | None]]:
        """Every line from a place on, with the match in it if there is one."""
        for seq, message in self._messages(archive, branch, place[0], last):
            lines = said_in(message).split("\n")
            skipped = place[1] - 1 if seq == place[0] else 0
            for number, line in enumerate(lines[skipped:], skipped + 1):
                found = find(line)
                yield seq, number, None if found is None else self._hit(seq, message, lines, number, found)

    def _messages(
        self, archive: Archive, branch: int, first: int, last: int
    ) -> Iterator[tuple[int, Message]]:
        inside = self.bounds.within(archive, branch)
        for begin, end in [(first, last)] if inside is None else inside.ranges:
            for start in range(max(begin, first), min(end, last) + 1, BATCH):
                rows = archive.messages(branch, [(start, min(start + BATCH - 1, end, last))])
                yield from ((row.seq, row.message) for row in rows if not row.pruned)

    def _hit(
        self, seq: int, message: Message, lines: list[str], number: int, found: tuple[int, int]
    ) -> GrepHit:
        line, (start, end) = lines[number - 1], found
        cut = max(0, start - MAX_CHARS // 4) if len(line) > MAX_CHARS else 0
        text = line[cut : cut + MAX_CHARS]
        return GrepHit(
            ref=f"m:{seq}",
            message=message,
            line=number,
            text=text,
            start=start - cut,
            end=min(end - cut, len(text)),
            before=tuple(each[:MAX_CHARS] for each in lines[max(0, number - 1 - self.context) : number - 1]),
            after=tuple(each[:MAX_CHARS] for each in lines[number : number + self.context]),
        )
