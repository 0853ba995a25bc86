"""Drawing with matplotlib: the lines are the numbers; without it, a typed error says what to install."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import matplotlib as mpl
import pytest

from context_compaction import MissingPackage, Policy, compare
from tests.session.talks import session, turns
from tests.windows import WORDS


@pytest.fixture(autouse=True)
def drawn_nowhere() -> Iterator[None]:
    """Figures are drawn into memory and given up afterwards."""
    from matplotlib import pyplot as plt

    mpl.use("agg")
    yield
    plt.close("all")


def lines_of(axes: Any) -> dict[str, list[Any]]:
    return {line.get_label(): list(line.get_ydata()) for line in axes.get_lines()}


def talked() -> Any:
    s = session(policy=Policy.truncating())
    for number in range(1, 30):
        s.append(turns(number, 1))
        s.after_turn()
    return s


def test_the_plot_of_a_session_is_its_timeline() -> None:
    s = talked()
    axes = s.plot()
    lines, timeline = lines_of(axes), s.report().timeline
    assert lines["said"] == [point.said for point in timeline.points]
    assert lines["seen"] == [point.seen for point in timeline.points]
    assert set(lines[f"trigger {timeline.trigger:,}"]) == {timeline.trigger}
    assert set(lines[f"budget {timeline.input_tokens:,}"]) == {timeline.input_tokens}
    marks = [line for line in axes.get_lines() if len(set(line.get_xdata())) == 1]
    assert [line.get_xdata()[0] for line in marks] == [event.at_seq for event in timeline.compactions] != []
    assert axes.get_ylim()[1] >= max(lines["seen"])
    axes.figure.canvas.draw()


def test_a_comparison_is_a_line_a_policy() -> None:
    found = compare(turns(1, 30), ["layered", "truncating", "off"], max_tokens=500, counter=WORDS)
    lines = lines_of(found.plot())
    for row in found.rows:
        assert lines[row.policy] == [point.seen for point in row.timeline.points]
    assert "said" in lines


def test_it_draws_on_the_axes_that_it_is_given() -> None:
    from matplotlib import pyplot as plt

    figures: Any = plt
    _, axes = figures.subplots()
    assert talked().plot(ax=axes) is axes
    assert len(plt.get_fignums()) == 1


def test_an_empty_session_can_be_drawn() -> None:
    assert lines_of(session().plot())["seen"] == [0]


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingPackage, match=r"pip install 'context-compaction\[notebook\]'") as raised:
        talked().plot()
    assert (raised.value.package, raised.value.extra) == ("matplotlib", "notebook")
