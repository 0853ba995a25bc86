"""The same courses drawn with matplotlib (extra ``notebook``), to keep, to print, to go on with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from context_compaction.errors import MissingExtra

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from context_compaction.comparing import Comparison
    from context_compaction.session import Timeline

STYLES = ("-", "--", "-.", ":")
"""Lines are told apart by more than their colour."""


def plot_timeline(timeline: Timeline, ax: Axes | None = None) -> Axes:
    """Said, seen, trigger, budget and compactions over the messages, on ``ax`` or new axes."""
    on: Any = ax if ax is not None else _new_axes()
    seqs = [point.seq for point in timeline.points]
    on.plot(seqs, [point.said for point in timeline.points], color="0.5", linestyle=":", label="said")
    on.plot(seqs, [point.seen for point in timeline.points], color="C0", label="seen")
    for number, event in enumerate(timeline.compactions):
        label = f"compactions ({len(timeline.compactions)})" if number == 0 else None
        on.axvline(event.at_seq, color="0.8", linewidth=0.8, zorder=0, label=label)
    if timeline.trigger is not None:
        on.axhline(timeline.trigger, color="C1", linestyle="--", label=f"trigger {timeline.trigger:,}")
    return _finish(on, timeline.input_tokens)


def plot_comparison(comparison: Comparison, ax: Axes | None = None) -> Axes:
    """What each policy shows over the conversation, and what was said, on ``ax`` or new axes."""
    on: Any = ax if ax is not None else _new_axes()
    points = comparison.rows[0].timeline.points
    on.plot([point.seq for point in points], [point.said for point in points], color="0.5", linestyle=":",
            label="said")  # fmt: skip
    for number, row in enumerate(comparison.rows):
        points = row.timeline.points
        on.plot(
            [point.seq for point in points],
            [point.seen for point in points],
            color=f"C{number % 10}",
            linestyle=STYLES[number % len(STYLES)],
            label=row.policy,
        )
    return _finish(on, comparison.max_tokens)


def _finish(on: Any, budget: int) -> Axes:
    on.axhline(budget, color="C3", label=f"budget {budget:,}")
    # What was said soon outgrows what may be seen.
    highest = max(max(line.get_ydata()) for line in on.get_lines() if line.get_label() != "said")
    on.set_ylim(0, 1.05 * max(highest, min(on.get_ylim()[1], 2.5 * budget)))
    on.set_xlabel("messages")
    on.set_ylabel("tokens")
    on.legend(loc="upper left", fontsize="small")
    return on


def _new_axes() -> Axes:
    try:
        from matplotlib import pyplot as plt
    except ImportError as error:
        raise MissingExtra("plot()", "matplotlib", "notebook") from error
    show: Any = plt
    _, ax = show.subplots(figsize=(9, 3.5), layout="constrained")
    return ax
