"""How what a recall found is shown."""

from __future__ import annotations

from collections.abc import Sequence

from context_compaction.display.html import Html, tag
from context_compaction.display.parts import bar, chips, frame, passage, ranges, table, title
from context_compaction.recall import SearchHit


def hit_html(hit: SearchHit) -> str:
    """One hit: where it is, why it was found, what it says."""
    head = title("Recalled", hit.ref, _who(hit), f"score {hit.score:.3f}")
    near = ", ".join(hit.neighbours)
    about = [
        tag("div", "found by ", chips(hit.why) if hit.why else "the messages around it"),
        tag("div", f"around it: {near}", class_="dim") if near else "",
    ]
    return frame(f"search hit {hit.ref}", head, *about, _said(hit))


def hits_html(hits: Sequence[SearchHit]) -> str:
    """All hits of a recall, best first."""
    best = max((hit.score for hit in hits), default=0.0)
    rows = [
        (
            hit.ref,
            tag("span", f"{hit.score:.3f}", bar(hit.score, best, "seen")),
            _who(hit),
            chips(hit.why) if hit.why else "messages around it",
            _said(hit),
        )
        for hit in hits
    ]
    columns = ("reference", "score", "who", "found by", "what was said")
    body = table("Best first", columns, rows) if rows else "nothing that was said matches"
    return frame(f"{len(hits)} search hits", title("Recalled", str(len(hits))), body)


def _who(hit: SearchHit) -> str:
    if hit.message is not None:
        return hit.message.role + (f", {hit.message.name}" if hit.message.name else "")
    return f"summary of {ranges(hit.summary.ranges)}" if hit.summary is not None else ""


def _said(hit: SearchHit) -> Html:
    if hit.message is None:
        text = hit.summary.text if hit.summary is not None else ""
    else:
        calls = (f"{call.name}({call.arguments})" for call in hit.message.tool_calls)
        text = "\n".join(part for part in (hit.message.text, *calls) if part)
    return tag("div", passage(text, 280), class_="words")
