"""A report as a page: `docs/benchmarks.md` is what `docs/benchmarks.json` gives."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import mean

from benchmarks._outcome import Outcome, Report
from benchmarks._table import Table

BUSY = 2.0
"""A load from which on a part is marked as measured on a busy machine."""
HALF = 0.5
_NUMBER = re.compile(r"[-+~<]?[.\d]")
PAGE = """\
# Benchmarks

Made by `{command}` on {date} from what [benchmarks.json](benchmarks.json) holds; nothing is written by
hand. Each part names the command that prints it alone; those that need conversations take `--data DIR` (the
ones used here do not ship). All that stands in one table was measured in one run, side by side.
{busy}
| machine | |
|---|---|
{machine}

| package | version |
|---|---|
{versions}

## Parts

| part | what | became | seconds | load |
|---|---|---|---|---|
{parts}

## What we lose at

Wherever somebody else is better than this package, read off the tables below: the best of the others in
each group and column.

{losses}
{tables}"""
HEAVY = """
**The machine was busy**: parts marked "load" ran while over {busy:.0f} processes ran or waited on {cores}
cores. Their times are too high, and their ratios rougher than on a quiet machine; shares, counts and tokens
do not depend on it.
"""


def page(report: Report) -> str:
    """The whole page. The same report gives the same page."""
    heavy = HEAVY.format(busy=BUSY, cores=report.machine.get("cores", "its").split(" ")[0])
    return PAGE.format(
        command=report.command,
        date=report.date,
        busy=heavy if any(map(_is_busy, report.parts)) else "",
        machine=_pairs(report.machine),
        versions=_pairs(report.versions),
        parts="\n".join(map(_line, report.parts)),
        losses="\n".join(_losses(report.parts)),
        tables="\n".join(line for part in report.parts for line in _part(part)),
    )


def _line(part: Outcome) -> str:
    name = f"[{part.name}](#{part.name})"
    load = f"load {_load(part)}" if _is_busy(part) else _load(part)
    return _row((name, part.about, part.became, f"{part.seconds:.0f}" if part.seconds else "", load))


def _losses(parts: Iterable[Outcome]) -> Iterator[str]:
    found = [(part, loss) for part in parts if part.table is not None for loss in part.table.losses]
    if not found:
        yield "None in these parts."
        return
    yield from _head(("part", "where", "measure", "ours", "", "better", ""))
    for part, loss in found:
        group = loss.group or "-"
        yield _row(
            (part.name, group, loss.measure, loss.ours, loss.our_cell, loss.whose, f"**{loss.their_cell}**")
        )


def _part(part: Outcome) -> Iterator[str]:
    yield from ("", f"## {part.name}", "", f"{part.about} `{part.command}`", "")
    if part.table is None:
        yield f"**{part.became.capitalize()}**: {part.reason}."
        return
    yield f"{part.table.title}. {_when(part)}"
    yield ""
    yield from _table(part.table)


def _table(table: Table) -> Iterator[str]:
    yield from _head(table.columns, table.rows)
    yield from (_row(row) for row in table.rows)
    yield ""
    note = ""
    for line in table.notes:
        if note and not line.startswith(" "):
            yield f"- {_cell(note)}"
            note = ""
        note = f"{note} {line.strip()}" if note else line
    if note:
        yield f"- {_cell(note)}"


def _when(part: Outcome) -> str:
    busy = f", **load {_load(part)}**" if _is_busy(part) else f", load {_load(part)}" if part.load else ""
    return f"({part.date}, {part.seconds:.0f} s{busy})"


def _is_busy(part: Outcome) -> bool:
    return any(load is not None and load > BUSY for load in part.load)


def _load(part: Outcome) -> str:
    return " -> ".join("?" if load is None else f"{load:.1f}" for load in part.load)


def _pairs(pairs: Mapping[str, str]) -> str:
    return "\n".join(map(_row, pairs.items()))


def _head(columns: Sequence[object], rows: Sequence[Sequence[object]] = ()) -> Iterator[str]:
    """Columns of numbers are set to the right."""
    yield _row(columns)
    shares = [mean(bool(_NUMBER.match(str(cell))) for cell in column) for column in zip(*rows, strict=True)]
    yield f"|{'|'.join('---:' if share > HALF else '---' for share in shares or [0] * len(columns))}|"


def _row(cells: Iterable[object]) -> str:
    return f"| {' | '.join(_cell(str(cell)) for cell in cells)} |"


def _cell(text: str) -> str:
    """What a table of Markdown can hold, with no tag in it."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
