"""Calibrated sizes on a real agent's log hold what the design promises; skipped where the log is absent."""

from pathlib import Path

import pytest

from benchmarks import Skipped, Table, counting


@pytest.fixture(scope="module")
def table(data_dir: Path) -> Table:
    try:
        return counting.run(data_dir)
    except Skipped as reason:
        pytest.skip(str(reason))


def cells(table: Table, row: str) -> list[float]:
    """tiktoken, approximate, chars/4, langchain, and the target if there is one."""
    found = next(row_ for row_ in table.rows if row_[0] == row)
    return [float(str(cell).removesuffix(" %")) for cell in found[1:] if cell != ""]


@pytest.mark.parametrize(
    "row",
    [
        "next prompt",
        "after a compaction, early",
        "after a compaction, middle",
        "increment, median",
        "increment, mean",
    ],
)
def test_targets_are_met(table: Table, row: str):
    ours, approximate, *_, target = cells(table, row)
    assert ours <= target
    assert approximate <= target


def test_long_without_a_report(table: Table):
    assert cells(table, "prompt 50 requests later")[0] < 1


def test_ratio_alone_explains_what_was_sent(table: Table):
    assert cells(table, "the same without unsent calls")[0] < 3


def test_approximate_beats_what_others_estimate(table: Table):
    rows = [str(row[0]) for row in table.rows if str(row[0]).startswith("a message of")]
    assert rows
    for row in rows:
        exact, approximate, chars, langchain = cells(table, row)
        assert exact == 0
        assert approximate < 8
        assert approximate < min(chars, langchain)
