from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from context_compaction.text.dates import date_text, epoch

MAY_8 = 1683554160.0  # 2023-05-08 13:56 UTC


@pytest.mark.parametrize(
    "value",
    [
        1683554160,
        1683554160000,
        1683554160000000,
        "1683554160",
        "1683554160000",
        "2023-05-08T13:56:00Z",
        "2023-05-08 13:56",
        "2023-05-08T15:56:00+02:00",
        "1:56 pm on 8 May, 2023",
        "2023/05/08 (Mon) 13:56",
        "May 8th, 2023 at 1:56 PM",
        "8th of May 2023 13:56",
        "Mon, 08 May 2023 13:56:00 GMT",
        "Mon, 08 May 2023 09:56:00 -0400",
        "Mon May  8 13:56:00 2023",
        "08-May-2023 13:56",
        "2023年5月8日 13:56",
        " 2023.05.08 13:56 ",
    ],
)
def test_one_moment_in_many_forms(value):
    assert epoch(value) == MAY_8
    assert date_text(value) == "2023-05-08 13:56"


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        "",
        "soon",
        "8 May",
        "2023-13-01",
        "03/04/2023",
        "25:00 on 8 May 2023",
        "8 May 2023, or so",
        float("nan"),
        float("inf"),
        10**400,
        -(10**400),
        1e25,
        "x" * 10_000,
        {"when": 1},
        [2023],
    ],
)
def test_what_is_no_timestamp_gives_none(value):
    assert epoch(value) is None
    assert date_text(value) is None


def test_midnight_and_noon_of_the_twelve_hour_clock():
    assert date_text("12:06 am on 11 November, 2022") == "2022-11-11 00:06"
    assert date_text("12:06 pm on 11 November, 2022") == "2022-11-11 12:06"


def test_a_day_over_twelve_tells_which_number_is_the_month():
    assert date_text("04/25/2023") == date_text("25/04/2023") == "2023-04-25 00:00"


FIRST, LAST = datetime(1974, 1, 1), datetime(2200, 1, 1)  # noqa: DTZ001  Hypothesis wants naive bounds
moments = st.datetimes(min_value=FIRST, max_value=LAST)
offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(moments, offsets)
def test_iso_text_and_numbers_agree_with_the_standard_library(moment, offset):
    aware = moment.replace(tzinfo=offset)
    assert epoch(aware.isoformat()) == pytest.approx(aware.timestamp())
    assert epoch(moment.isoformat()) == pytest.approx(moment.replace(tzinfo=UTC).timestamp())
    assert epoch(round(aware.timestamp() * 1000)) == pytest.approx(aware.timestamp(), abs=0.001)


@given(moments)
def test_written_forms_agree_with_iso(moment):
    minute = moment.replace(second=0, microsecond=0)
    expected = minute.replace(tzinfo=UTC).timestamp()
    assert epoch(f"{minute:%I:%M %p on %d %B, %Y}") == expected
    assert epoch(f"{minute:%Y/%m/%d (%a) %H:%M}") == expected
    assert epoch(f"{minute:%B} {minute.day}, {minute:%Y %H:%M}") == expected


@given(st.text(max_size=60) | st.floats() | st.integers())
def test_nothing_raises(value):
    text = date_text(value)
    assert text is None or len(text) == 16
