"""Times that a text names by how long ago they were: "two weeks ago", "last Friday", "in the past month"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from context_compaction.text.periods import MAX_PERIODS, Period

_READ = 20_000
DAY = 86_400
_DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_FIRST_WEEKDAY = 3  # the first of January 1970 was a Thursday; no calendar is asked: any time will do
_NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_MANY = {word: number for number, word in enumerate(_NUMBERS, 1)} | {"a": 1, "an": 1, "": 1, "a couple of": 2}
_N = rf"(?P<n>\d{{1,3}}|a couple of|an?|{'|'.join(_NUMBERS)})"
_UNIT = r"(?P<unit>day|week|month|year)s?\b"
_AGO = re.compile(rf"\b{_N} {_UNIT} ago\b", re.IGNORECASE)
_PAST = re.compile(rf"\b(?:in|over|during|within) the (?:past|last) (?:{_N} )?{_UNIT}", re.IGNORECASE)
_LAST = re.compile(
    rf"\b(?:last|this past) (?:(?P<unit>week|month|year)\b|(?P<weekday>{'|'.join(_WEEKDAYS)})\b)",
    re.IGNORECASE,
)
_YESTERDAY = re.compile(r"\byesterday\b", re.IGNORECASE)


def periods_ago(text: str, now: float) -> list[Period]:
    """The periods that a text of ``now`` (UTC seconds) names, at most `MAX_PERIODS` different ones.

    What was weeks, months or years ago is from half of such a unit before to half of it after: who says "two
    weeks ago" does not mean the day. "Last month" is from two months ago until now.
    """
    today = now - now % DAY
    found = dict.fromkeys(_named(text[:_READ], today))
    return list(found)[:MAX_PERIODS]


def _named(text: str, today: float) -> Iterator[Period]:
    for match in _AGO.finditer(text):
        days = _DAYS[match["unit"].lower()]
        day = today - _many(match["n"]) * days * DAY
        yield _period(match[0], day - days // 2 * DAY, day + (days // 2 + 1) * DAY)
    for match in _YESTERDAY.finditer(text):
        yield _period(match[0], today - DAY, today)
    for match in _PAST.finditer(text):
        yield _period(match[0], today - _many(match["n"]) * _DAYS[match["unit"].lower()] * DAY, today + DAY)
    for match in _LAST.finditer(_PAST.sub("", text)):
        if match["unit"]:
            yield _period(match[0], today - 2 * _DAYS[match["unit"].lower()] * DAY, today + DAY)
        else:
            wanted = _WEEKDAYS.index(match["weekday"].lower())
            back = (today // DAY + _FIRST_WEEKDAY - wanted) % 7 or 7
            yield _period(match[0], today - back * DAY, today - (back - 1) * DAY)


def _many(words: str | None) -> int:
    words = (words or "").lower()
    return int(words) if words.isdecimal() else _MANY[words]


def _period(words: str, start: float, end: float) -> Period:
    return Period(words, within=(start, end))
