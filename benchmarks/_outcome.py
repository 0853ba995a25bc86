"""What came of one benchmark: a table, or why there is none; and the report that has all of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from benchmarks._table import Table

Became = Literal["measured", "skipped", "failed", "not run"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one part of the report."""

    name: str
    about: str
    """What it measures."""
    became: Became
    command: str = ""
    """That runs it alone."""
    reason: str = ""
    """Why there is no table."""
    seconds: float = 0.0
    date: str = ""
    load: Sequence[float | None] = ()
    """Of the machine, before and after."""
    table: Table | None = None

    def as_json(self) -> dict[str, Any]:
        fields = {name: getattr(self, name) for name in self.__slots__}
        return {**fields, "load": list(self.load), "table": self.table and self.table.as_json()}

    @classmethod
    def of_json(cls, data: Mapping[str, Any]) -> Outcome:
        table = data["table"]
        return cls(**{**data, "table": None if table is None else Table.of_json(table)})


@dataclass(frozen=True, slots=True)
class Report:
    """All of it, as `docs/benchmarks.json` keeps it."""

    command: str
    date: str
    machine: Mapping[str, str]
    versions: Mapping[str, str]
    parts: Sequence[Outcome]

    def having(self, part: Outcome) -> Report:
        """With this in the place of what was known of that part."""
        return replace(self, parts=[part if each.name == part.name else each for each in self.parts])

    def part(self, name: str) -> Outcome | None:
        return next((each for each in self.parts if each.name == name), None)

    def write(self, path: Path) -> None:
        """As JSON; an interrupted write leaves the old file."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        whole = {**fields, "parts": [each.as_json() for each in self.parts]}
        beside = path.with_suffix(".part")
        beside.write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        beside.replace(path)

    @classmethod
    def read(cls, path: Path) -> Report:
        data = json.loads(path.read_text(encoding="utf-8"))
        return cls(**{**data, "parts": [Outcome.of_json(each) for each in data["parts"]]})
