"""The same courses drawn with matplotlib (extra ``notebook``), to keep, to print, to go on with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from context_compaction.display.chart import TALLEST
from context_compaction.errors import MissingPackage

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from context_compaction.comparing import Comparison
    from context_compaction.session import Timeline

STYLES = ("-", "--", "-.", ":")
"""Lines are told apart by more than their colour."""


def plot_timeline(timeline: Timeline, ax: Axes | None = None) -> Axes:
    """Said, seen, trigger, budget and compactions over the messages, on ``ax`` or new axes."""
    on: Any = ax if ax is not None else _new_axes()
    _line(on, timeline, "said", color="0.5", linestyle=":")
    _line(on, timeline, "seen", color="C0")
    for number, event in enumerate(timeline.compactions):
        label = f"compactions ({len(timeline.compactions)})" if number == 0 else None
        on.axvline(event.at_seq, color="0.8", linewidth=0.8, zorder=0, label=label)
    if timeline.trigger is not None:
        on.axhline(timeline.trigger, color="C1", linestyle="--", label=f"trigger {timeline.trigger:,}")
    return _finish(on, timeline.input_tokens, [timeline])


def plot_comparison(comparison: Comparison, ax: Axes | None = None) -> Axes:
    """What each policy shows over the conversation, and what was said, on ``ax`` or new axes."""
    on: Any = ax if ax is not None else _new_axes()
    _line(on, comparison.rows[0].timeline, "said", color="0.5", linestyle=":")
    for number, row in enumerate(comparison.rows):
        style = STYLES[number % len(STYLES)]
        _line(on, row.timeline, "seen", color=f"C{number % 10}", linestyle=style, label=row.policy)
    # Where nothing was compacted, what is seen is what was said.
    return _finish(on, comparison.max_tokens, [row.timeline for row in comparison.rows if row.compactions])


def _line(on: Any, timeline: Timeline, what: str, **style: Any) -> None:
    points = timeline.points
    on.plot([point.seq for point in points], [getattr(point, what) for point in points],
            **{"label": what, **style})  # fmt: skip


def _finish(on: Any, budget: int, seen: Sequence[Timeline]) -> Axes:
    on.axhline(budget, color="C3", label=f"budget {budget:,}")
    # What was said soon outgrows what may be seen: it leaves at the top.
    highest = max((point.seen for timeline in seen for point in timeline.points), default=0)
    on.set_ylim(0, 1.05 * max(highest, min(on.get_ylim()[1], TALLEST * budget)))
    on.set_xlim(left=0)
    on.margins(x=0)
    on.set_xlabel("messages")
    on.set_ylabel("tokens")
    on.legend(loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0, fontsize="small")
    return on


def _new_axes() -> Axes:
    try:
        from matplotlib import pyplot as plt
    except ImportError as error:
        raise MissingPackage("plot()", "matplotlib", "notebook") from error
    show: Any = plt
    _, ax = show.subplots(figsize=(9, 3.5), layout="constrained")
    return ax
