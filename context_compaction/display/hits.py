"""How what a recall found is shown."""

from __future__ import annotations

from collections.abc import Sequence

from context_compaction.display.html import Html, tag
from context_compaction.display.parts import bar, chips, frame, passage, ranges, title
from context_compaction.messages import quotable
from context_compaction.recall import SearchHit


def hit_html(hit: SearchHit) -> str:
    """One hit: where it is, why it was found, what it says."""
    head = title("Recalled", hit.ref, _who(hit), f"score {hit.score:.3f}")
    near = ", ".join(hit.neighbours)
    about = [
        _why(hit),
        tag("div", f"around it: {near}", class_="dim") if near else "",
    ]
    return frame(f"search hit {hit.ref}", head, *about, _said(hit))


def hits_html(hits: Sequence[SearchHit]) -> str:
    """All hits of a recall, best first."""
    best = max((hit.score for hit in hits), default=0.0)
    rows = [_row(hit, best) for hit in hits]
    body = tag("ol", *rows) if rows else "nothing that was said matches"
    note = "best first" if rows else ""
    return frame(f"{len(hits)} search hits", title("Recalled", str(len(hits)), note), body)


def _row(hit: SearchHit, best: float) -> Html:
    score = tag("div", f"{hit.score:.2f}", bar(hit.score, best, "seen"), class_="dim")
    where = tag("div", tag("b", hit.ref), tag("div", _who(hit), class_="dim", dir="auto"), score)
    return tag("li", where, tag("div", _why(hit), _said(hit)), class_="turn")


def _why(hit: SearchHit) -> Html:
    if hit.why:
        found: Html | str = chips(hit.why)
    elif hit.reasons or hit.similarity is None:
        found = "the messages around it"
    else:
        found = f"its meaning (similarity {hit.similarity:.2f})"
    return tag("div", "found by ", found, class_="dim")


def _who(hit: SearchHit) -> str:
    if hit.message is not None:
        return hit.message.role + (f", {hit.message.name}" if hit.message.name else "")
    return f"summary of {ranges(hit.summary.ranges)}" if hit.summary is not None else ""


def _said(hit: SearchHit) -> Html:
    summary = hit.summary.text if hit.summary is not None else ""
    return passage(summary if hit.message is None else quotable(hit.message), 280)
