"""`expand`, a page at a time and a generation at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from context_compaction.archive import Archive, StoredMessage
from context_compaction.archive.tombstones import readable
from context_compaction.counting import TokenCounter
from context_compaction.messages import Message
from context_compaction.recall.describing import rest_of
from context_compaction.recall.lines import said_in
from context_compaction.recall.paging import Cursor, Page, check_count, check_page, fitting_chars, mark_of
from context_compaction.session.references import named
from context_compaction.view import Range, SummaryRecord, range_text

BATCH = 128
"""So many messages are read at a time."""
Unit = int | Range
"""A summary's number, or messages."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A message or a summary that a reference leads to, or as much of it as a page has room for."""

    ref: str
    """``m:57``, ``s:3``, or ``m:4-m:9`` for pruned messages."""
    message: Message | None
    """For pruned ones the line that says so."""
    summary: SummaryRecord | None
    text: str
    """All that it says, or the part from ``start`` on."""
    start: int = 0
    """In characters."""
    whole: bool = True
    """Whether ``text`` is all of it."""


def passages(
    archive: Archive,
    branch: int,
    ref: str,
    counter: TokenCounter,
    *,
    last_seq: int,
    levels: int | None,
    max_tokens: int,
    cursor: str | None,
) -> Page[Passage]:
    """What is behind ``cursor`` of what a reference leads to. Raises `UnknownReference`, `QueryError`."""
    check_page(max_tokens)
    if levels is not None:
        check_count("levels", levels, "how many generations to go down", least=0)
    units = _units(archive, branch, named(archive, branch, ref, last_seq), levels)
    began = Cursor.of(cursor, mark_of("expand", units), 0, 0)
    done, start = began.places
    taken: list[Passage] = []
    total = 0
    for count, passage in _behind(archive, branch, units, done):
        text, room = passage.text[start:], max_tokens - total
        tokens = counter.text(text)
        if tokens > room and taken:
            return Page(tuple(taken), str(Cursor(began.asked, (done, 0))), total)
        if tokens > room:
            size = fitting_chars(text, room, counter)
            part = Passage(passage.ref, passage.message, passage.summary, text[:size], start, whole=False)
            after = str(Cursor(began.asked, (done, start + size)))
            return Page((part,), after, counter.text(text[:size]))
        taken.append(
            passage
            if not start
            else Passage(passage.ref, passage.message, passage.summary, text, start, whole=False)
        )
        total += tokens
        done, start = done + count, 0
    return Page(tuple(taken), None, total)


def _units(archive: Archive, branch: int, found: Sequence[Unit], levels: int | None) -> list[Unit]:
    """What summaries and ranges lead to, so many generations down."""
    units: list[Unit] = []
    for unit in found:
        if isinstance(unit, int) and levels != 0:
            [record] = archive.summaries(branch, [unit]).values()
            units += record.ranges if levels is None else _below(archive, branch, record, levels)
        else:
            units.append(unit)
    return units


def _below(archive: Archive, branch: int, record: SummaryRecord, levels: int) -> list[Unit]:
    """A summary's sources and the messages that none of them has, in log order."""
    sources = archive.summaries(branch, record.sources) if record.sources else {}
    covered = [found for source in sources.values() for found in source.ranges]
    parts: list[tuple[Range, list[Unit]]] = [
        (left, [left]) for found in record.ranges for left in rest_of(found, covered)
    ]
    for source in sources.values():
        units = [source.id] if levels == 1 else _below(archive, branch, source, levels - 1)
        parts.append((source.ranges[0], list(units)))
    return [unit for _, units in sorted(parts, key=lambda part: part[0]) for unit in units]


def _behind(archive: Archive, branch: int, units: Sequence[Unit], skip: int) -> Iterator[tuple[int, Passage]]:
    """The passages behind the first ``skip`` messages and summaries, each with how many it is of."""
    for unit in units:
        size = 1 if isinstance(unit, int) else unit[1] - unit[0] + 1
        if skip >= size:
            skip -= size
        elif isinstance(unit, int):
            [record] = archive.summaries(branch, [unit]).values()
            yield 1, Passage(record.ref, None, record, record.text)
        else:
            for start in range(unit[0] + skip, unit[1] + 1, BATCH):
                yield from _read(archive.messages(branch, [(start, min(start + BATCH - 1, unit[1]))]))
            skip = 0


def _read(rows: Sequence[StoredMessage]) -> Iterator[tuple[int, Passage]]:
    run: list[StoredMessage] = []
    for row in rows:
        if row.pruned:
            run.append(row)
            continue
        if run:
            yield len(run), _gone(run)
            run = []
        yield 1, Passage(f"m:{row.seq}", row.message, None, said_in(row.message))
    if run:
        yield len(run), _gone(run)


def _gone(run: Sequence[StoredMessage]) -> Passage:
    [line] = readable(run)
    return Passage(range_text(((run[0].seq, run[-1].seq),)), line, None, line.text)
