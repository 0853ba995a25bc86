"""What a benchmark gives back, and how it is printed."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks._contest import Contest, Loss

PAPER = 110
"""Columns to print in where there is no terminal to ask."""


class Skipped(Exception):
    """This benchmark cannot run here; its text says why."""


@dataclass(frozen=True, slots=True)
class Table:
    """Measured numbers: a row a measurement, cells as they are to be shown."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    notes: Sequence[str] = ()
    contests: Sequence[Contest] = ()

    def as_json(self) -> dict[str, Any]:
        """Cells as they are shown."""
        return {
            "title": self.title,
            "columns": list(map(str, self.columns)),
            "rows": [list(map(str, row)) for row in self.rows],
            "notes": list(self.notes),
            "contests": [contest.as_json() for contest in self.contests],
        }

    @classmethod
    def of_json(cls, data: Mapping[str, Any]) -> Table:
        return cls(**{**data, "contests": [Contest.of_json(each) for each in data["contests"]]})

    @property
    def losses(self) -> list[Loss]:
        """Where somebody else is better than we are."""
        columns, rows = list(map(str, self.columns)), [list(map(str, row)) for row in self.rows]
        return [loss for contest in self.contests for loss in contest.losses(columns, rows)]


def show(table: Table) -> None:
    """Print with rich where it is installed, in plain columns otherwise."""
    try:
        from rich.console import Console
        from rich.table import Table as RichTable
    except ImportError:
        _plain(table)
        return
    shown = RichTable(title=table.title, title_justify="left")
    for place, column in enumerate(table.columns):
        shown.add_column(column, justify="right" if place else "left")
    for row in table.rows:
        shown.add_row(*map(str, row))
    width = None if sys.stdout.isatty() else PAPER
    console = Console(markup=False, highlight=False, width=width)
    console.print(shown)
    for note in table.notes:
        console.print(f"- {note}")


def _plain(table: Table) -> None:
    lines = [list(map(str, row)) for row in (table.columns, *table.rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    print(table.title)
    for first, *rest in lines:
        cells = [cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True)]
        print("  ".join([first.ljust(widths[0]), *cells]))
    for note in table.notes:
        print(f"- {note}")
