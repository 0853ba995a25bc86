"""Numbers that mean something on their own: with a unit, a currency or a percent sign, dates, times."""

from __future__ import annotations

import re
from collections.abc import Iterator

_NUMBER = r"\d{1,15}(?:[.,]\d{1,12}){0,5}"
_UNIT_WORDS = """
    (?:milli|micro|nano)?seconds? secs? minutes? mins? hours? hrs? days? weeks? months? years? yrs?
    bytes? bits? tokens? commits? tests? requests? [kKMGT]i?[Bb](?:ps|/s)? [kMG]?Hz rpm fps dpi
    ms µs ns px mm cm km miles? feet foot ft inch(?:es)? yards? acres? kg mg
    lbs? pounds? ounces? oz grams? lit(?:er|re)s? ml
    gallons? km/h mph kcal calories kWh? volts? watts? degrees? percent dollars? euros? yen cents
    bucks USD EUR GBP JPY CHF CAD AUD INR CNY BTC ETH million billion trillion k °C °F ℃ ℉ MP mAh
"""
_UNITS = "|".join(_UNIT_WORDS.split())
_TIGHT = r"[smhdgwBWVAKkMGTxX]|ms|us|µs|ns"
_CJK = "年月日時时分秒円元人個个件回万億亿歳岁台本枚页頁％원년월일명개"  # noqa: RUF001  the wide percent sign is meant
_QUANTITY = re.compile(
    rf"[$€£¥₹₩](?:US)? ?{_NUMBER}(?: ?(?:million|billion|trillion|[kKMB])\b)?"
    rf"|\d(?<![\w.,:/#-]\d)(?:"
    r"\d?:[0-5]\d(?::[0-5]\d)?(?: ?[APap]\.?[Mm]\b\.?)?"
    r"|\d? ?[APap]\.?[Mm]\b\.?"
    rf"|\d{{0,14}}(?:[.,]\d{{1,12}}){{0,5}}(?:(?: |-)?(?:{_UNITS})\b|(?:{_TIGHT})\b| ?[%€£]|[{_CJK}])"
    r")"
)
_MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?"
    r"|Nov(?:ember)?|Dec(?:ember)?)\.?"
)
_DATE = re.compile(
    r"\d(?<![\w./-]\d)(?:"
    r"\d{3}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?(?![\w-])"
    r"|\d{3}[/.]\d{1,2}[/.]\d{1,2}(?![\w/])|\d?[/.]\d{1,2}[/.]\d{4}(?![\w/])"
    rf"|\d?(?:st|nd|rd|th)? (?:of )?{_MONTH}(?:,? \d{{4}})?\b|\d{{3}}年\d{{1,2}}月(?:\d{{1,2}}日)?)"
    rf"|(?:(?<=\s)|^){_MONTH} (?:\d{{1,2}}(?:st|nd|rd|th)?\b(?:,? \d{{4}}\b)?|\d{{4}}\b)",
    re.MULTILINE,
)


def dates_in(text: str) -> Iterator[tuple[int, str]]:
    """Where each date stands, and how: ``2023-05-08``, ``8 May``, ``May 8th, 2023``, ``May 2023``."""
    for found in _DATE.finditer(text):
        day = re.match(r"\d{1,2}(?!\d)", found.group())
        if day is None or 0 < int(day.group()) <= 31:
            yield found.start(), found.group()


def quantities_in(text: str) -> Iterator[tuple[int, str]]:
    """Where each number with a unit stands, and how: ``$12.50``, ``250 ms``, ``3 %``, ``1:56 pm``."""
    for found in _QUANTITY.finditer(text):
        colour = found.group().endswith("m") and text[found.start() - 1 : found.start()] in ("[", ";")
        if not colour:  # a terminal's escape sequence, not metres
            yield found.start(), found.group()
