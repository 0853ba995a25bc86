"""How a session is shown: numbers, timeline, what became of its messages, summaries, compactions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from context_compaction.display.chart import strip, timeline_figure
from context_compaction.display.event import asked, outcome, written
from context_compaction.display.html import Child, Html, joined, tag
from context_compaction.display.lineage import lineage
from context_compaction.display.parts import (
    bar,
    frame,
    passage,
    percent,
    ranges,
    section,
    swatch,
    table,
    tiles,
    title,
)
from context_compaction.errors import CompactionError
from context_compaction.events import CompactionEvent
from context_compaction.session import SessionReport
from context_compaction.session.report import FATES, Fate
from context_compaction.view import Pin
from context_compaction.view.entries import ranges_of

EVENTS = 12
"""The newest compactions that are listed."""
MEANING: dict[str, str] = {
    "kept": "as it was said",
    "edited": "shorter in the view, whole in the archive",
    "summarised": "a summary stands for it",
    "archived": "out of the view, found by recall",
    "pruned": "let go of by the owner",
}


def asked_html(name: str, report: Callable[[], SessionReport]) -> str:
    """A session as its report says; where its archive is closed or lost, that."""
    try:
        return report_html(report())
    except CompactionError as error:
        why = tag("p", f"cannot be shown now: {error}", dir="auto")
        return frame("a session that cannot be read", title("Session", name), why)


def report_html(report: SessionReport) -> str:
    """The whole display."""
    head = title(
        "Session", report.session_id, f"namespace {report.namespace}", f"policy {report.policy}",
        f"view v{report.stats.version}", f"counted by {report.stats.counter}",
    )  # fmt: skip
    parts: list[Child] = [head, tiles(*_numbers(report))]
    if report.sizes:
        parts.append(section("Tokens, message by message", timeline_figure(report.timeline)))
        parts.append(section("What became of the messages", *_fates(report)))
    if report.shown:
        parts.append(section("Summaries, and what they stand for", lineage(report.summaries, report.shown)))
    if report.pins:
        parts.append(section("Pinned, word for word", tag("ul", *map(_pin, report.pins))))
    if report.events:
        parts.append(tag("section", _events(report.events)))
    return frame("a session", *parts)


def _numbers(report: SessionReport) -> list[tuple[str, Child, Child]]:
    stats = report.stats
    share = stats.tokens_seen / stats.input_tokens
    return [
        ("said", f"{stats.tokens_said:,}", f"tokens in {stats.messages_said:,} messages"),
        ("seen", f"{stats.tokens_seen:,}", f"tokens in {stats.messages_seen:,} messages"),
        (
            "budget",
            f"{stats.input_tokens:,}",
            joined(f"{percent(share)} of it used", bar(share, 1, "seen" if share <= 1 else "budget")),
        ),
        ("compactions", stats.compactions, f"{stats.tokens_saved:,} tokens left the view"),
    ]


def _fates(report: SessionReport) -> list[Html]:
    everyone: list[tuple[Fate, list[int]]] = [
        (fate, [seq for seq, its in enumerate(report.fates, 1) if its == fate]) for fate in FATES
    ]
    found = [(fate, numbers) for fate, numbers in everyone if numbers]
    rows = [
        (
            joined(swatch(fate), fate),
            f"{len(numbers):,} messages, {sum(report.sizes[seq - 1] for seq in numbers):,} tokens",
            tag("div", ranges(ranges_of(numbers)), tag("div", MEANING[fate], class_="dim"), class_="words"),
        )
        for fate, numbers in found
    ]
    saying = "from the first message to the last: " + ", ".join(
        f"{len(numbers)} {fate}" for fate, numbers in found
    )
    columns = ("now", "how much", "which")
    return [strip(report.fates, saying), table("", columns, rows)]


def _pin(pin: Pin) -> Html:
    return tag("li", tag("span", pin.ref, class_="ref"), " ", passage(pin.text, 200))


def _events(events: Sequence[CompactionEvent]) -> Html:
    newest = [*reversed(events)][:EVENTS]
    rows = [
        (
            f"v{event.version}" if event.committed else "-",
            f"m:{event.at_seq}",
            asked(event),
            outcome(event),
            f"{event.tokens_before:,} → {event.tokens_after:,}",
            percent(event.fidelity) if event.fidelity is not None else "-",
            tag("span", written(event) or _rungs(event) or event.reason, dir="auto"),
        )
        for event in newest
    ]
    count = len(events)
    which = "Compactions, newest first" + (f": the last {EVENTS} of {count}" if count > EVENTS else "")
    columns = ("view", "at", "asked", "outcome", "tokens", "fidelity", "by")
    return table(which, columns, rows, "tokens|fidelity")


def _rungs(event: CompactionEvent) -> str:
    """The rungs that freed something."""
    return ", ".join(report.rung for report in event.rungs if report.tokens_after < report.tokens_before)
