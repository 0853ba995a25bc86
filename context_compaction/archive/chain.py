"""The hash chain of a log: which messages are changed, missing, or not where they were.

A message's hash is that of the one before and its own text, so a stored hash says two things: what stood
before, and what was said. Rows are cut into *runs* in which each follows from the one before. In a whole log
there is one run. Otherwise the first row of each further run is asked which other run it follows; the runs
so joined say where each row was, from the beginning on or back from the end that the branch remembers.

One pass over the rows; what is kept is a few numbers for each run, and texts are read again where needed.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator
from typing import Literal, NamedTuple

from context_compaction.archive.runs import Ends, Link, Run, chained, cut
from context_compaction.view import Range, range_text

Kind = Literal["changed", "missing", "reordered", "damaged"]
SEARCH_BYTES = 1 << 29
"""How much is hashed in search of where rows were: a second or two."""
OUTSIDE = "was not said here: it stands outside of the log"
ADDED = "was not said here: what follows does not follow from it"
TEXT = "its text is not what was said: it no longer gives the stored hash"
HASH = "its stored hash was changed; its text is as it was said"
SEAM = (
    "what stood before it is gone, and the rest was renumbered: it is whole, but does not follow from the "
    "message before it (or both that one and its hash were changed)"
)
LOST = "it is whole, but does not follow from the message before it; so many do not that none was looked for"
GONE = "not in the log any more"
END = "not what the branch knows as its end: it was changed with its hash, or messages behind it are gone"


class Finding(NamedTuple):
    """What is wrong with messages ``first`` to ``last``."""

    kind: Kind
    first: int
    last: int
    detail: str

    @property
    def ref(self) -> str:
        """How the messages are named: ``m:5``, ``m:5-m:9``."""
        return range_text(((self.first, self.last),))


def findings(rows: Iterable[Link], ends: Ends, text_of: Callable[[int], bytes | None]) -> list[Finding]:
    """What is wrong with a log, by number. ``text_of`` reads the canonical JSON of a row again."""
    runs, edited = cut(rows, ends)
    if len(runs) > 1:
        _find_places(runs, text_of)
    last = _place(runs, ends)
    found = [Finding("changed", seq, seq, HASH) for seq in edited]
    found += [finding for run in runs[1:] if (finding := _of_run(run, ends.start, last)) is not None]
    found += _holes(runs, ends.start, last)
    found += _at_end(runs, ends, last, found)
    return sorted(found, key=lambda finding: (finding.first, finding.last))


def _find_places(runs: list[Run], text_of: Callable[[int], bytes | None]) -> None:
    """For each head that does not follow: which run it follows, or at which head its text was."""
    room = SEARCH_BYTES
    for place, run in enumerate(runs):
        if run.joint not in ("open", "broken") or room <= 0:
            continue
        text = text_of(run.first)
        if text is None:
            continue
        room -= len(runs) * (len(text) + 32)
        run.sought = True
        for number, other in enumerate(runs):
            link = chained(other.tail, text)
            if link == run.head:
                run.before = number
                break
            behind = runs[number + 1] if number + 1 < len(runs) else None
            if behind is not None and number + 1 != place and link == behind.head:
                run.holds = behind.first
                break


def _place(runs: list[Run], ends: Ends) -> int:
    """Give each run its shift: from the beginning on, back from the end, and else as it stands.

    Returns the number of the last message that the log had.
    """
    after = _followers(runs, ends.tip)
    runs[0].shift = 0
    furthest = _forward(runs, after, 0)[-1]
    last = ends.last
    if furthest.tail == ends.tip:
        last = furthest.last + (furthest.shift or 0)
    else:
        _backward(runs, ends)
    # Runs that stand where they were are apart from each other: only those that moved can be in the way.
    moved = sorted(_places(run) for run in runs if run.shift)
    for number, run in enumerate(runs):
        if run.shift is None and run.before is None and ends.start < run.first and run.last <= last:
            at = bisect_left(moved, (run.last + 1, 0))
            if at == 0 or moved[at - 1][1] < run.first:
                run.shift = 0
                for placed in _forward(runs, after, number):
                    if placed.shift:
                        insort(moved, _places(placed))
    return last


def _followers(runs: list[Run], tip: bytes | None) -> dict[int, int]:
    """Which run comes after which: as found, and a head that cannot be checked where it stands."""
    after: dict[int, int] = {}
    for number, run in enumerate(runs):
        if run.before is not None and (
            runs[run.before].tail == tip or after.setdefault(run.before, number) != number
        ):
            run.before = None
    for number, run in enumerate(runs):
        if run.joint == "blind" and number - 1 not in after:
            run.before = number - 1
            after[run.before] = number
    return after


def _forward(runs: list[Run], after: dict[int, int], number: int) -> list[Run]:
    """Place what comes after a placed run; that run and all that were placed."""
    chain = [runs[number]]
    while (following := after.get(number)) is not None and runs[following].shift is None:
        runs[following].shift = _places(chain[-1])[1] + 1 - runs[following].first
        chain.append(runs[following])
        number = following
    return chain


def _backward(runs: list[Run], ends: Ends) -> None:
    """Place the run that ends as the branch remembers it, and those that it comes after."""
    run = next((run for run in runs[1:] if run.shift is None and run.tail == ends.tip), None)
    at = ends.last
    while run is not None and run.shift is None:
        run.shift = at - run.last
        at = run.first + run.shift - 1
        run = None if run.before is None else runs[run.before]


def _places(run: Run) -> Range:
    """The numbers that the rows of a placed run had."""
    shift = run.shift or 0
    return run.first + shift, run.last + shift


def _of_run(run: Run, start: int, last: int) -> Finding | None:
    if run.shift is None:
        inside = start < run.first and run.last <= last
        return Finding("changed", run.first, run.last, ADDED if inside else OUTSIDE)
    if run.shift:
        was = range_text((_places(run),))
        return Finding("reordered", run.first, run.last, f"here stands what was {was}")
    if run.holds is not None:
        return Finding("reordered", run.first, run.first, f"here stands the text of m:{run.holds}")
    if run.joint != "broken" or run.before is not None or (run.whole and run.excused):
        return None
    if not run.whole:
        return Finding("changed", run.first, run.first, TEXT)
    return Finding(
        "missing" if run.sought else "reordered", run.first, run.first, SEAM if run.sought else LOST
    )


def _holes(runs: list[Run], start: int, last: int) -> Iterator[Finding]:
    """One finding for each row of places that no run had."""
    taken = sorted(_places(run) for run in runs if run.shift is not None)
    at = start + 1
    for first, end in [*taken, (last + 1, last + 1)]:
        if first > at and at <= last:
            yield Finding("missing", at, min(first - 1, last), GONE)
        at = max(at, end + 1)


def _at_end(runs: list[Run], ends: Ends, last: int, found: list[Finding]) -> Iterator[Finding]:
    """What the branch says of its end, where nothing else has told already."""
    if last != ends.last:
        detail = f"the branch says that its log ends here, but by its hashes it ends at m:{last}"
        yield Finding("damaged", ends.last, ends.last, detail)
        return
    ended = ends.tip is None or any(
        run.shift is not None and _places(run)[1] == last and run.tail == ends.tip for run in runs
    )
    if not ended and not any(finding.first <= last <= finding.last for finding in found):
        nothing = last == ends.start
        at, kind = (last + 1, "missing") if nothing else (last, "changed")
        yield Finding(kind, at, at, GONE if nothing else END)
