"""How the report of one compaction is shown."""

from __future__ import annotations

from context_compaction.display.html import Child, Html, tag
from context_compaction.display.parts import bar, frame, label, percent, table, tiles, title
from context_compaction.events import CompactionEvent, RungReport

OUTCOMES = {"reduced": "good", "summarized": "good", "fell_back": "edited", "infeasible": "budget"}
"""The colours of outcomes; all others are of no consequence."""


def event_html(event: CompactionEvent) -> str:
    """What was attempted, what it did to the view rung by rung, and what became of the facts."""
    version = f"view v{event.version}" if event.committed else "not committed"
    head = title("Compaction", outcome(event), version, f"at m:{event.at_seq}", asked(event))
    parts: list[Child] = [head, tiles(*_numbers(event))]
    if event.reason:
        parts.append(tag("p", event.reason, dir="auto"))
    if event.rungs:
        parts.append(tag("section", _rungs(event)))
    if event.items:
        rows = [(what, f"{tokens:,}") for what, tokens in event.items]
        parts.append(tag("section", table("What must stay", ("what", "tokens"), rows, "tokens")))
    return frame(f"compaction {event.outcome}", *parts)


def outcome(event: CompactionEvent) -> Html:
    """The outcome as a word set off."""
    return label(event.outcome.replace("_", " "), OUTCOMES.get(event.outcome, "archived"))


def asked(event: CompactionEvent) -> str:
    """Which side asked, and how pressing it was."""
    level = "" if event.level == "none" else f", {event.level}"
    return event.trigger.replace("_", " ") + level


def written(event: CompactionEvent) -> str:
    """Who wrote the summary, and who should have."""
    if event.writer is None:
        return ""
    failed = f" in place of {', '.join(event.fell_back_from)}" if event.fell_back_from else ""
    return event.writer + failed


def _numbers(event: CompactionEvent) -> list[tuple[str, Child, Child]]:
    saved = event.tokens_before - event.tokens_after
    share = f"{percent(saved / event.tokens_before)} less" if event.tokens_before and saved > 0 else "no less"
    numbers: list[tuple[str, Child, Child]] = [
        ("tokens", f"{event.tokens_before:,} → {event.tokens_after:,}", share),
        ("left the view", event.removed, f"messages; {event.edited} edited"),
    ]
    if event.fidelity is not None:
        note = f"of the hard facts still carried; by {written(event)}"
        numbers.append(("fidelity", percent(event.fidelity), tag("span", note, dir="auto")))
    if (facts := event.facts) is not None:
        numbers.append(("facts kept", facts.kept, f"{facts.recallable} only recallable, {facts.lost} lost"))
    numbers.append(("took", f"{event.ms:,.1f} ms", ""))
    return numbers


def _rungs(event: CompactionEvent) -> Html:
    def row(report: RungReport) -> tuple[Child, ...]:
        freed = report.tokens_before - report.tokens_after
        return (
            report.rung,
            f"{freed:,}",
            tag("span", f"{report.tokens_after:,}", bar(report.tokens_after, event.tokens_before, "seen")),
            tag("span", report.note, dir="auto"),
        )

    columns = ("rung", "freed", "view after it", "note")
    return table("The ladder, in tokens", columns, map(row, event.rungs), "freed")
