"""Days, months and years that a text names: what a question means by "on 16 June" or "in May 2023"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from context_compaction.text.dates import MONTHS

MAX_PERIODS = 4
MAX_YEARS = 50
"""How many years back a day or month without a year is looked for."""
_READ = 20_000
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>(?:19|20)\d\d)\b"
# Alone a month may be a verb and a year an amount: these need the word that makes them a time.
_WITHIN = r"\b(?:in|of|during|since|last|this) "
_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE | re.ASCII)
    for pattern in (
        rf"\b{_YEAR}[-/.](?P<number>\d{{1,2}})[-/.]{_DAY}\b",
        rf"\b{_DAY} (?:of )?{_MONTH}(?:,? {_YEAR})?",
        rf"\b{_MONTH} {_DAY}\b(?:,? {_YEAR})?",
        rf"\b{_MONTH},? {_YEAR}",
        rf"{_WITHIN}{_MONTH}",
        rf"{_WITHIN}{_YEAR}",
    )
)


@dataclass(frozen=True, slots=True)
class Period:
    """A day, a month or a year as a text names it, in UTC; what it leaves out is None. Or just two times."""

    words: str
    year: int | None = None
    month: int | None = None
    day: int | None = None
    within: tuple[float, float] | None = None
    """From when until before when, in UTC seconds, of one that is named by how long ago it was."""

    def intervals(self, first: float, last: float) -> list[tuple[float, float]]:
        """From when until before when it lasts, in UTC seconds.

        Without a year: once for each of the years from ``first`` to ``last``, `MAX_YEARS` at most. Empty for
        a day that no calendar has.
        """
        if self.within is not None:
            return [self.within]
        years = [self.year] if self.year is not None else _years(first, last)
        return [found for year in years if (found := self._of(year)) is not None]

    def _of(self, year: int) -> tuple[float, float] | None:
        try:
            start = datetime(year, self.month or 1, self.day or 1, tzinfo=UTC)
            if self.day is not None:
                end = start + timedelta(days=1)
            elif self.month is not None:
                end = (start + timedelta(days=31)).replace(day=1)
            else:
                end = start.replace(year=year + 1)
        except (OverflowError, ValueError):
            return None
        return start.timestamp(), end.timestamp()


def periods_of(text: str) -> list[Period]:
    """The periods that a text names, the most exact form first, at most `MAX_PERIODS` different ones."""
    found: dict[tuple[int | None, ...], Period] = {}
    for period in _named(text[:_READ]):
        found.setdefault((period.year, period.month, period.day), period)
        if len(found) == MAX_PERIODS:
            break
    return list(found.values())


def _named(text: str) -> Iterator[Period]:
    for pattern in _PATTERNS:
        for match in pattern.finditer(text):
            parts = match.groupdict()
            year, day, number = parts.get("year"), parts.get("day"), parts.get("number")
            name = parts.get("month")
            month = MONTHS.index(name[:3].lower()) + 1 if name else int(number) if number else None
            yield Period(match.group(), int(year) if year else None, month, int(day) if day else None)
        text = pattern.sub(_blank, text)


def _blank(match: re.Match[str]) -> str:
    return "\n" * len(match.group())


def _years(first: float, last: float) -> range:
    try:
        end = datetime.fromtimestamp(last, UTC).year
        begin = datetime.fromtimestamp(first, UTC).year
    except (OverflowError, OSError, ValueError):
        return range(0)
    return range(max(begin, end - MAX_YEARS + 1), end + 1)
