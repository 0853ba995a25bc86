"""Times that are named by how long ago they were."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from context_compaction.text.ago import DAY, periods_ago
from context_compaction.text.periods import MAX_PERIODS

NOW = datetime(2023, 5, 18, 15, 30, tzinfo=UTC).timestamp()  # a Thursday


def days(text: str) -> list[tuple[str, str]]:
    """The first day of each period, and the last one."""
    return [
        tuple(datetime.fromtimestamp(moment, UTC).strftime("%m-%d") for moment in (start, end - 1))  # pyright: ignore[reportReturnType]
        for period in periods_ago(text, NOW)
        for start, end in period.intervals(0, 0)
    ]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("What did I buy 10 days ago?", [("05-08", "05-08")]),
        ("What did I plant two weeks ago?", [("05-01", "05-07")]),
        ("Where was I a month ago?", [("04-03", "05-03")]),
        ("What did we say yesterday?", [("05-17", "05-17")]),
        ("Whom did I meet last Friday?", [("05-12", "05-12")]),
        ("And last Thursday?", [("05-11", "05-11")]),
        ("How far did I run in the past three weeks?", [("04-27", "05-18")]),
        ("Where did I go during the last month?", [("04-18", "05-18")]),
        ("How much did I spend last month?", [("03-19", "05-18")]),
        ("A couple of days ago, or yesterday?", [("05-16", "05-16"), ("05-17", "05-17")]),
        ("How long ago was it? The last day of the weeks?", []),
    ],
)
def test_times_are_counted_back_from_the_question(text: str, named: list[tuple[str, str]]) -> None:
    assert days(text) == named


PARTS = (
    "a",
    "1",
    "two",
    "999",
    "weeks",
    "months",
    "day",
    "year",
    "ago",
    "in the past",
    "last",
    "yesterday",
    "friday",
)
WORDS = st.sampled_from(PARTS)


@given(st.lists(WORDS, max_size=12), st.floats(0, 1e15))
def test_any_text_of_any_time_will_do(words: list[str], now: float) -> None:
    found = periods_ago(" ".join(words), now)
    assert len(found) <= MAX_PERIODS
    assert all(start < end <= now + DAY for period in found for start, end in period.intervals(0, 0))
