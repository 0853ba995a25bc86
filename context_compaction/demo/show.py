"""What the demo prints, with rich."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from context_compaction import CompactionEvent, Message, SearchHit, Session
from context_compaction.demo.conversation import Question
from context_compaction.demo.replay import Totals, shortened

if TYPE_CHECKING:
    from rich.console import Console

BAR = 40


def bar(part: int, whole: int, width: int = BAR) -> str:
    """A bar that is ``part`` of ``whole`` long."""
    filled = round(width * min(part, whole) / whole) if whole else 0
    return "█" * filled + "░" * (width - filled)


def event_line(event: CompactionEvent) -> str:
    """One compaction's report in a line."""
    rungs = " → ".join(
        f"{report.rung} -{report.tokens_before - report.tokens_after}"
        for report in event.rungs
        if report.tokens_after < report.tokens_before
    )
    writer = f", written by {event.writer}" if event.writer else ""
    fidelity = f", fidelity {event.fidelity:.2f}" if event.fidelity is not None else ""
    return (
        f"[bold]v{event.version}[/] m:{event.at_seq} {event.trigger} {event.level}: {event.outcome}"
        f"{writer}{fidelity} [cyan]{event.tokens_before} → {event.tokens_after}[/] tokens "
        f"in {event.ms:.0f} ms  [dim]({escape(rungs)})[/]"
    )


def show_context(console: Console, messages: list[Message], tokens: int, limit: int) -> None:
    """The final context, a line a message."""
    table = Table(title=f"what the model sees at the end: {tokens} of {limit} tokens", expand=True)
    table.add_column("role", style="bold", no_wrap=True)
    table.add_column("content", overflow="fold")
    for message in messages:
        whole = message.text.startswith("<conversation_summary")
        text = message.text if whole else shortened(message)
        table.add_row("context" if whole else message.role, escape(text))
    console.print(table)


def show_recall(console: Console, question: Question, hits: list[SearchHit]) -> None:
    """A question about something early, and what the archive found."""
    table = Table(title=f"recall: “{escape(question.text)}”", expand=True)
    for column in ("", "ref", "score", "why", "what was said"):
        table.add_column(column, overflow="fold")
    wanted = {f"m:{number}" for number in question.evidence}
    for hit in hits:
        said = shortened(hit.message) if hit.message else (hit.summary.text if hit.summary else "")[:160]
        mark = "[green]✔[/]" if hit.ref in wanted else ""
        table.add_row(mark, hit.ref, f"{hit.score:.2f}", escape(", ".join(hit.why)), escape(said))
    console.print(table)


def show_expanded(console: Console, session: Session) -> None:
    """The newest summary of the view, and the originals that it stands for."""
    if not session.view.summaries:
        console.print("[dim]no summary in the final view: nothing to expand with this preset[/]")
        return
    ref = f"s:{session.view.summaries[-1]}"
    originals = session.expand(ref)
    lines = [f"[bold]{message.role}[/] {escape(shortened(message, 110))}" for message in originals[:4]]
    rest = f"\n[dim]… and {len(originals) - 4} more[/]" if len(originals) > 4 else ""
    title = f"{ref} expanded: {len(originals)} original messages"
    console.print(Panel("\n".join(lines) + rest, title=title))


def show_totals(console: Console, totals: Totals, limit: int) -> None:
    """Tokens said against tokens seen over the whole replay."""
    share = 1 - totals.seen / totals.said if totals.said else 0.0
    console.print(
        f"{totals.requests} requests: {totals.said:,} tokens with the whole log, {totals.seen:,} seen "
        f"([bold]{share:.0%} saved[/]), at most {totals.peak:,} of {limit:,} at once; "
        f"{len(totals.events)} compactions"
        + _writers(totals)
        + (f"; [red]{totals.refused} requests whose floor did not fit[/]" if totals.refused else "")
    )


def _writers(totals: Totals) -> str:
    """How many of the summaries were written by whom, most first."""
    written = Counter(event.writer for event in totals.events if event.writer)
    if not written:
        return ""
    parts = (f"{count} by {writer}" for writer, count in written.most_common())
    return f"; summaries: {', '.join(parts)}"
