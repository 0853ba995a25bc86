"""Who competes with whom in a table, and what is better: so what we lose at is read off, not written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

_NUMBER = re.compile(r"-?\d[\d,]*\.?\d*|-?\.\d+")
Cells = Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Contest:
    """One row of ours beside those of others. Cells that hold no number take no part."""

    ours: str
    theirs: Sequence[str]
    more: Sequence[str] = ()
    """Columns in which more is better."""
    less: Sequence[str] = ()
    names: int = 0
    """The column in which the contenders stand."""
    within: Sequence[int] = ()
    """Columns that tell one group of contenders from the next; an empty cell is as the one above."""
    columns: bool = False
    """Contenders are columns, and what they are measured by are rows."""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of_json(cls, data: Mapping[str, Any]) -> Contest:
        return cls(**data)

    def losses(self, columns: Sequence[str], rows: Cells) -> Iterator[Loss]:
        """Where one of the others is better, the best of them, group by group and measure by measure."""
        if self.columns:
            columns, *rows = [list(each) for each in zip(columns, *rows, strict=True)]
        for group, members in groupby(_filled(rows, self.within), lambda row: [row[n] for n in self.within]):
            by = {row[self.names]: row for row in members}
            for measures, sign in ((self.more, 1), (self.less, -1)):
                for place in (columns.index(measure) for measure in measures if measure in columns):
                    yield from self._lost(by, ", ".join(group), columns[place], place, sign)

    def _lost(
        self, by: Mapping[str, Sequence[str]], group: str, measure: str, place: int, sign: int
    ) -> Iterator[Loss]:
        known = {name: number(by[name][place]) for name in (self.ours, *self.theirs) if name in by}
        values = {name: value for name, value in known.items() if value is not None}
        if self.ours not in values:
            return
        best = max(values, key=lambda name: sign * values[name])
        if sign * values[best] > sign * values[self.ours]:
            yield Loss(group, measure, self.ours, by[self.ours][place], best, by[best][place])


@dataclass(frozen=True, slots=True)
class Loss:
    """Somebody else is better at this; cells as the table shows them."""

    group: str
    measure: str
    ours: str
    our_cell: str
    whose: str
    their_cell: str


def number(cell: str) -> float | None:
    """The first number of a cell: 1,234 ms, 0.82x, .35, 39 of 40."""
    found = _NUMBER.search(cell)
    return float(found[0].replace(",", "")) if found else None


def _filled(rows: Cells, places: Sequence[int]) -> Iterator[list[str]]:
    above: dict[int, str] = {}
    for row in rows:
        whole = list(row)
        for place in places:
            whole[place] = above[place] = whole[place] or above.get(place, "")
        yield whole
