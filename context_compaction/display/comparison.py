"""How a comparison of policies is shown: a table, each policy's view at the end, and small timelines."""

from __future__ import annotations

from context_compaction.comparing import Compared, Comparison
from context_compaction.display.chart import timeline_figure
from context_compaction.display.html import Child, tag
from context_compaction.display.parts import bar, frame, percent, table, title

COLUMNS = (
    "policy", "tokens sent", "saved", "facts", "cacheable", "largest", "requests", "compactions", "fidelity",
    "ms",
)  # fmt: skip
NUMBERS = "saved|cacheable|largest|requests|compactions|fidelity|ms"
EXPLAINED = (
    "tokens sent: of all requests together. cacheable: share of them that requests begin with as the one "
    "before did, what a prompt cache serves. facts: share of the conversation's hard facts that stand "
    "in the last context; all others can be recalled from an archive. fidelity: of the summaries, mean."
)


def comparison_html(comparison: Comparison) -> str:
    """All policies side by side, and the course of each when opened."""
    head = title(
        "Policies compared", f"{len(comparison.rows)}", f"{comparison.messages} messages",
        f"at most {comparison.max_tokens:,} tokens a context", f"counted by {comparison.counter}",
    )  # fmt: skip
    most = max((row.tokens_seen for row in comparison.rows), default=0)
    rows = [_row(row, most, comparison.max_tokens) for row in comparison.rows]
    courses = [
        tag(
            "details",
            tag("summary", "the course of ", tag("span", row.policy, dir="auto")),
            timeline_figure(row.timeline),
        )
        for row in comparison.rows
    ]
    note = tag("p", EXPLAINED, class_="dim")
    return frame("policies compared", head, table("Side by side", COLUMNS, rows, NUMBERS), note, *courses)


def _row(row: Compared, most: int, max_tokens: int) -> tuple[Child, ...]:
    refused = f" ({row.refused} refused)" if row.refused else ""
    over = " (over)" if row.peak > max_tokens else ""
    return (
        tag("span", row.policy, dir="auto"),
        tag("span", f"{row.tokens_seen:,}", bar(row.tokens_seen, most, "seen")),
        percent(row.saved),
        tag("span", percent(row.facts), bar(row.facts, 1, "good")) if row.facts is not None else "-",
        percent(row.cacheable),
        f"{row.peak:,}{over}",
        f"{row.requests}{refused}",
        row.compactions,
        percent(row.fidelity) if row.fidelity is not None else "-",
        f"{row.ms:,.0f}",
    )
