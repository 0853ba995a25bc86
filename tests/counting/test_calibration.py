"""The calibrated size: what it learns, how little one wrong report may do, and that it is a value."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from context_compaction.counting import Calibration, Usage
from context_compaction.counting.curve import MAX_POINTS

OVERHEAD, RATIO = 1600, 1.2
REPORTS = st.lists(st.tuples(st.integers(0, 200_000), st.integers(0, 300_000)), max_size=12)


def learn(pairs: list[tuple[int, int]], start: Calibration | None = None) -> Calibration:
    calibration = start or Calibration()
    for raw, reported in pairs:
        calibration = calibration.observe(raw, Usage(reported))
    return calibration


def true(raw: int) -> int:
    return round(OVERHEAD + RATIO * raw)


STEADY = [(raw, true(raw)) for raw in (50, 4000, 9000, 15_000, 21_000, 30_000)]


def test_before_any_report_it_is_the_count_itself():
    assert Calibration().estimate(12_345) == 12_345
    assert Calibration().ratio == 1
    assert Calibration().overhead == 0
    assert Calibration().anchored(Usage(100, 20), 30) == 150


def test_ratio_and_overhead_are_told_apart():
    calibration = learn(STEADY)
    assert calibration.ratio == pytest.approx(RATIO, rel=0.01)
    assert calibration.overhead == pytest.approx(OVERHEAD, rel=0.01)


@pytest.mark.parametrize("raw", [500, 3000, 12_000, 29_000, 30_000, 34_000])
def test_size_after_a_compaction_and_after_growth(raw: int):
    assert learn(STEADY).estimate(raw) == pytest.approx(true(raw), rel=0.01)


def test_what_stays_is_priced_as_the_tail_was():
    """The head was cheap, the tail dear: a compaction leaves the tail."""
    head = [(raw, raw) for raw in range(1000, 20_001, 1000)]
    tail = [(20_000 + raw, 20_000 + 2 * raw) for raw in range(1000, 10_001, 1000)]
    assert learn(head + tail).estimate(8000) == pytest.approx(16_000, rel=0.02)


def test_tokens_that_were_counted_but_never_sent_leave_with_the_head():
    """Calls without answers may be dropped before sending: our count has them, the report has not."""
    told = true(30_000) + 60
    later = [(36_000 + raw, told + round(RATIO * raw)) for raw in (0, 4000, 9000, 16_000, 30_000)]
    calibration = learn(later, learn(STEADY))
    assert calibration.ratio == pytest.approx(RATIO, rel=0.01)
    assert calibration.estimate(66_000) == later[-1][1]
    assert calibration.estimate(28_000) == pytest.approx(true(28_000), rel=0.01)


def test_after_the_compacted_prompt_is_reported_the_curve_goes_on_from_there():
    calibration = learn([(10_000, true(10_000)), (14_000, true(14_000))], learn(STEADY))
    assert calibration.estimate(14_000) == true(14_000)
    assert calibration.estimate(6000) == pytest.approx(true(6000), rel=0.01)
    assert calibration.overhead == pytest.approx(OVERHEAD, rel=0.01)


def bent(raw: int) -> int:
    """A cheap head of 20,000 tokens, then twice the price."""
    return raw + max(0, raw - 20_000)


def test_the_curve_of_the_tail_outlives_a_compaction():
    calibration = learn([(raw, bent(raw)) for raw in range(1000, 40_001, 1000)])
    calibration = calibration.observe(25_000, Usage(45_000))
    for raw, expected in ((10_000, 20_000), (20_000, 40_000), (24_000, 44_000)):
        assert calibration.estimate(raw) == pytest.approx(expected, rel=0.01)


def test_the_curve_keeps_its_bends_when_it_is_thinned():
    calibration = learn([(raw, bent(raw)) for raw in range(200, 40_001, 200)])
    assert calibration.estimate(20_000) == pytest.approx(40_000, rel=0.005)
    assert calibration.estimate(30_000) == pytest.approx(50_000, rel=0.005)


@pytest.mark.parametrize("wrong", [3, 400_000])
@pytest.mark.parametrize("place", [1, 3, 6])
def test_one_report_of_another_prompt_does_no_harm(wrong: int, place: int):
    pairs = list(STEADY)
    pairs.insert(place, (pairs[place - 1][0] + 10, wrong))
    calibration = learn(pairs)
    assert calibration.ratio == pytest.approx(RATIO, rel=0.02)
    for raw in (3000, 12_000, 30_000):
        assert calibration.estimate(raw) == pytest.approx(true(raw), rel=0.03)


def test_a_wrong_first_report_is_got_over():
    calibration = learn(STEADY[1:], learn([(50, 900_000)]))
    assert calibration.estimate(30_000) == pytest.approx(true(30_000), rel=0.02)
    assert calibration.estimate(10_000) == pytest.approx(true(10_000), rel=0.2)


def test_a_level_that_stays_is_believed():
    """Tools of 20,000 tokens were added: the second report settles it, the ratio stands."""
    more = [(raw, true(raw) + 20_000) for raw in (31_000, 31_500)]
    calibration = learn(more, learn(STEADY))
    assert calibration.estimate(31_500) == true(31_500) + 20_000
    assert calibration.overhead == pytest.approx(OVERHEAD + 20_000, rel=0.02)
    assert calibration.ratio == pytest.approx(RATIO, rel=0.02)


def test_ratio_moves_with_the_conversation():
    calibration, raw, reported = learn(STEADY), *STEADY[-1]
    for _ in range(150):
        raw, reported = raw + 1000, reported + 1500
        calibration = calibration.observe(raw, Usage(reported))
    assert calibration.ratio == pytest.approx(1.5, rel=0.03)


def test_empty_reports_change_nothing():
    calibration = learn(STEADY)
    assert calibration.observe(31_000, Usage(0)) == calibration
    assert calibration.observe(0, Usage(500)) == calibration


def test_anchored_is_the_report_its_answer_and_what_came_after():
    assert learn(STEADY).anchored(Usage(37_600, 200), 1000) == pytest.approx(39_000, abs=12)


@given(REPORTS)
def test_state_survives_json(pairs: list[tuple[int, int]]):
    calibration = learn(pairs)
    state = json.loads(json.dumps(calibration.to_json()))
    assert Calibration.from_json(state) == calibration
    assert len(json.dumps(state)) < 2000


@given(REPORTS, st.integers(0, 300_000), st.integers(0, 300_000))
def test_whatever_is_reported_the_size_stays_in_bounds_and_rises_with_the_count(
    pairs: list[tuple[int, int]], one: int, other: int
):
    calibration = learn(pairs)
    low, high = sorted((one, other))
    assert calibration.estimate(low) <= calibration.estimate(high)
    if calibration.curve.points:
        assert 0.5 <= calibration.ratio <= 2.5
        assert 0.5 * low <= calibration.estimate(low) <= 2.5 * low + calibration.overhead + 1


def test_curve_stays_short():
    calibration = learn([(raw, true(raw) + raw % 7) for raw in range(100, 90_000, 150)])
    assert len(calibration.curve.points) <= MAX_POINTS
    assert calibration.estimate(20_000) == pytest.approx(true(20_000), rel=0.01)


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"points": [[0]], "counted": 1, "reported": 1, "doubted": 0},
        {"points": [[0, 5], [9, 1]], "counted": 1, "reported": 1, "doubted": 0},
        {"points": [[3, 5]], "counted": 1, "reported": 1, "doubted": 0},
        {"points": [], "counted": "much", "reported": 1, "doubted": 0},
    ],
)
def test_a_state_that_is_none_is_refused(state: dict[str, object]):
    with pytest.raises(ValueError, match="calibration"):
        Calibration.from_json(state)
