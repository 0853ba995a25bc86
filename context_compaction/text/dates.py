"""When something was said: timestamps as sources write them, read without a clock or a locale."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MAX_CHARS = 80
_MONTH = r"(?P<month>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?"
_DATES = tuple(
    re.compile(pattern)
    for pattern in (
        r"\b(?P<year>\d{4})[-/.](?P<number>\d{1,2})[-/.](?P<day>\d{1,2})\b",
        r"(?P<year>\d{4}) ?年 ?(?P<number>\d{1,2}) ?月 ?(?P<day>\d{1,2}) ?日",
        rf"\b(?P<day>\d{{1,2}})(?:st|nd|rd|th)?[ -](?:of )?{_MONTH}[ ,-]{{1,2}}(?P<year>\d{{4}})\b",
        rf"\b{_MONTH} (?P<day>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<year>\d{{4}})\b",
        # ctime puts the year last, behind the time: the time is taken out before this is tried
        r"\b(?P<first>\d{1,2})(?P<mark>[/.-])(?P<second>\d{1,2})(?P=mark)(?P<year>\d{4})\b",
    )
)
_OFFSET = r"(?: ?(?:utc|gmt)?(?P<sign>[+-])(?P<hours>\d{2}):?(?P<minutes>\d{2})\b| ?(?:utc|gmt|z)\b)?"
_TIME = re.compile(
    r"\b(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?P<fraction>\.\d{1,9})?)?"
    rf"(?: ?(?P<half>[ap]\.?m\b\.?))?{_OFFSET}"
    r"|\b(?P<bare>\d{1,2}) ?(?P<bare_half>[ap]\.?m\b\.?)"
)
_WEEKDAY = re.compile(r"\b(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\b\.?")
_REST = re.compile(r"(?:[\s,()|@]|\bon\b|\bat\b|-)*")


def epoch(value: str | float | None) -> float | None:
    """UTC seconds since 1970 of a timestamp as its source wrote it, None when it cannot be told.

    Numbers (or their text) are seconds, or milli-, micro- or nanoseconds by their size. Text is ISO 8601,
    or a common written form such as ``1:56 pm on 8 May, 2023`` or ``2023/04/10 (Mon) 14:47``. Without an
    offset it is taken as UTC; ``03/04/2023``, which countries read differently, is not guessed.
    """
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    return _epoch(value)


def date_text(value: str | float | None) -> str | None:
    """``YYYY-MM-DD HH:MM`` in UTC, None when `epoch` cannot tell."""
    seconds = epoch(value)
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(" ", "minutes")[:16]
    except (OverflowError, OSError, ValueError):
        return None


@lru_cache(maxsize=4096)
def _epoch(value: str | float) -> float | None:
    if not isinstance(value, str):
        return _from_number(value)
    text = value.strip()
    if not text or len(text) > _MAX_CHARS:
        return None
    if re.fullmatch(r"-?\d{9,19}(?:\.\d{1,9})?", text, re.ASCII):
        return _from_number(float(text))
    try:
        return _seconds(datetime.fromisoformat(text))
    except ValueError:
        return _written(" ".join(text.lower().split()))


def _from_number(value: float) -> float | None:
    """Seconds up to the year 5138; anything larger is a finer unit."""
    if not abs(value) < math.inf:
        return None
    for limit, unit in ((1e11, 1.0), (1e14, 1e3), (1e17, 1e6), (1e20, 1e9)):
        if abs(value) < limit:
            return value / unit
    return None


def _seconds(moment: datetime) -> float | None:
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (OverflowError, ValueError):
        return None


def _written(text: str) -> float | None:
    """A date and perhaps a time and a weekday, in any order, and nothing else."""
    time, text = _cut(_TIME, text)
    text = " ".join(_WEEKDAY.sub(" ", text).split())
    for pattern in _DATES:
        date, rest = _cut(pattern, text)
        if date is not None:
            return _moment(date, time) if _REST.fullmatch(rest) else None
    return None


def _cut(pattern: re.Pattern[str], text: str) -> tuple[dict[str, str | None] | None, str]:
    """The groups of the first match, and the text without it."""
    found = pattern.search(text)
    return (found.groupdict(), f"{text[: found.start()]} {text[found.end() :]}") if found else (None, text)


def _moment(date: dict[str, str | None], time: dict[str, str | None] | None) -> float | None:
    month_day = _month_day(date)
    if month_day is None:
        return None
    try:
        midnight = datetime(int(date["year"] or 0), *month_day, tzinfo=UTC)
        clock = _clock(time)
        return None if clock is None else _seconds(midnight + clock - _shift(time))
    except (OverflowError, ValueError):
        return None


def _month_day(date: dict[str, str | None]) -> tuple[int, int] | None:
    if name := date.get("month"):
        return MONTHS.index(name) + 1, int(date["day"] or 0)
    if number := date.get("number"):
        return int(number), int(date["day"] or 0)
    first, second = int(date["first"] or 0), int(date["second"] or 0)
    if first == second or first <= 12 < second:
        return first, second
    return (second, first) if second <= 12 < first else None


def _clock(time: dict[str, str | None] | None) -> timedelta | None:
    """Time since midnight; None for an hour that no clock shows."""
    if time is None:
        return timedelta()
    hour = int(time["hour"] or time["bare"] or 0)
    half = time["half"] or time["bare_half"]
    minute, second = int(time["minute"] or 0), int(time["second"] or 0)
    if hour > (12 if half else 24) or (half and hour == 0) or minute > 59 or second > 60:
        return None
    if half:
        hour = hour % 12 + (12 if half.startswith("p") else 0)
    return timedelta(hours=hour, minutes=minute, seconds=second + float(time["fraction"] or 0))


def _shift(time: dict[str, str | None] | None) -> timedelta:
    """How far the clock was ahead of UTC."""
    if not time or not time["sign"]:
        return timedelta()
    shift = timedelta(hours=int(time["hours"] or 0), minutes=int(time["minutes"] or 0))
    return shift if time["sign"] == "+" else -shift
