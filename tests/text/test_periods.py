"""Times that a text names, and when they were."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from context_compaction.text.periods import MAX_PERIODS, MAX_YEARS, Period, periods_of


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("on 16 June, 2023", [(2023, 6, 16)]),
        ("on the 16th of June 2023", [(2023, 6, 16)]),
        ("on June 16th, 2023 at noon", [(2023, 6, 16)]),
        ("on 2023-06-16", [(2023, 6, 16)]),
        ("on 2023/6/16?", [(2023, 6, 16)]),
        ("on Dec. 3", [(None, 12, 3)]),
        ("in May 2023", [(2023, 5, None)]),
        ("in May, and of sept 2022", [(2022, 9, None), (None, 5, None)]),
        ("since 2022", [(2022, None, None)]),
        ("May I march in?", []),
        ("room 2022, decide 3 things", []),
        ("12 March and 14 March", [(None, 3, 12), (None, 3, 14)]),
        ("June 1 June 1 1 June", [(None, 6, 1)]),
    ],
)
def test_what_is_named(text: str, named: list[tuple[int | None, ...]]):
    assert [(found.year, found.month, found.day) for found in periods_of(text)] == named


def stamp(*parts: int) -> float:
    return datetime(*parts, tzinfo=UTC).timestamp()  # pyright: ignore[reportArgumentType]


def test_a_period_ends_where_the_next_begins():
    day, month, year = Period("", 2023, 12, 31), Period("", 2023, 12), Period("", 2023)
    assert day.intervals(0, 0) == [(stamp(2023, 12, 31), stamp(2024, 1, 1))]
    assert month.intervals(0, 0) == [(stamp(2023, 12, 1), stamp(2024, 1, 1))]
    assert year.intervals(0, 0) == [(stamp(2023, 1, 1), stamp(2024, 1, 1))]
    assert Period("", 2024, 2).intervals(0, 0) == [(stamp(2024, 2, 1), stamp(2024, 3, 1))]


def test_without_a_year_it_comes_each_year():
    first, last = stamp(2021, 7, 1), stamp(2024, 1, 1)
    assert Period("", None, 2, 29).intervals(first, last) == [(stamp(2024, 2, 29), stamp(2024, 3, 1))]
    assert [start for start, _ in Period("", None, 5).intervals(first, last)] == [
        stamp(year, 5, 1) for year in (2021, 2022, 2023, 2024)
    ]
    assert len(Period("", None, 5).intervals(-6e10, last)) == MAX_YEARS


@pytest.mark.parametrize("period", [Period("", 2023, 2, 31), Period("", 2023, 13), Period("", 2023, 1, 0)])
def test_what_no_calendar_has_is_never(period: Period):
    assert period.month == 1 or period.intervals(0, 1e9) == []


@given(st.text(st.sampled_from("0123456789 -/,.junemaystofin\n"), max_size=80), st.floats(-1e18, 1e18))
def test_any_text_has_few_periods(text: str, moment: float):
    found = periods_of(text)
    assert len(found) <= MAX_PERIODS
    for period in found:
        for start, end in period.intervals(moment, moment):
            assert start < end
