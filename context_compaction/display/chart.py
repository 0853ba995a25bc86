"""The token timeline and the strip of messages, drawn as SVG: lines in it, words and numbers beside it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from context_compaction.display.html import Child, Html, joined, tag
from context_compaction.display.parts import swatch
from context_compaction.session import Point, Timeline

WIDTH, HEIGHT = 1000, 220
MOST = 250
"""Points of a line: more cannot be told apart, and a display is kept small."""
TALLEST = 2.5
"""Budgets that the drawing is high at most: what was said soon outgrows what may be seen."""
STRIP = 400
"""Patches of the strip of messages at most."""


def timeline_figure(timeline: Timeline) -> Html:
    """Said, seen, trigger, budget and compactions over the messages, with a key that has the numbers."""
    points = thinned(timeline.points)
    last = points[-1]
    highest = max(last.said, *(point.seen for point in points), timeline.input_tokens)
    top = (
        max(1.05 * max(point.seen for point in points), min(highest, TALLEST * timeline.input_tokens)) * 1.04
    )
    across = WIDTH / max(1, last.seq)

    def at(seq: int, tokens: float) -> str:
        return f"{seq * across:.1f},{HEIGHT - HEIGHT * min(tokens, 2 * top) / top:.1f}"

    seen = " ".join(at(point.seq, point.seen) for point in points)
    drawn: list[Html] = [
        tag("polygon", points=f"0,{HEIGHT} {seen} {WIDTH},{HEIGHT}", fill="var(--seen)", opacity=0.16),
        *(_mark(event.at_seq * across) for event in timeline.compactions),
        _line(" ".join(at(point.seq, point.said) for point in points), "said", "2 3"),
        _line(seen, "seen", ""),
        _level(at(0, timeline.input_tokens), "budget", ""),
    ]
    if timeline.trigger is not None:
        drawn.append(_level(at(0, timeline.trigger), "trigger", "8 5"))
    saying = (
        f"Tokens over {last.seq} messages: {last.said:,} said, {last.seen:,} seen now, "
        f"{len(timeline.compactions)} compactions, budget {timeline.input_tokens:,}"
    )
    picture = tag(
        "svg",
        tag("title", saying),
        *drawn,
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        preserveAspectRatio="none",
        height=170,
        role="img",
        aria_label=saying,
    )
    axis = tag("div", tag("span", "m:1"), tag("span", f"m:{last.seq}"), class_="axis", aria_hidden="true")
    return tag("figure", picture, axis, _key(timeline, last, over=last.said > top))


def thinned(points: Sequence[Point], most: int = MOST) -> list[Point]:
    """At most about ``most`` points: the ends, both sides of every compaction, and some of those between."""
    step = len(points) // most + 1
    if step == 1:
        return list(points)
    drops = [place for place in range(1, len(points)) if points[place].seq == points[place - 1].seq]
    drops = drops[:: len(drops) // (most // 4) + 1]
    wanted = {0, len(points) - 1, *drops, *(place - 1 for place in drops), *range(0, len(points), step)}
    return [points[place] for place in sorted(wanted)]


def strip(colours: Sequence[str], saying: str) -> Html:
    """A patch for each message, by colour, neighbours of one colour joined; ``saying`` tells it in words."""
    # Of a very long log every n-th message is drawn.
    step = len(colours) // STRIP + 1
    drawn, at = list[Html](), 0
    for colour, run in groupby(colours[::step]):
        wide = len(list(run))
        drawn.append(tag("rect", x=at, y=0, width=wide, height=1, fill=f"var(--{colour})"))
        at += wide
    return tag(
        "svg",
        *drawn,
        viewBox=f"0 0 {max(1, at)} 1",
        preserveAspectRatio="none",
        height=16,
        role="img",
        aria_label=saying,
    )


def _line(points: str, colour: str, dashes: str) -> Html:
    return tag(
        "polyline",
        points=points,
        fill="none",
        stroke=f"var(--{colour})",
        stroke_width=2,
        stroke_dasharray=dashes or "none",
        vector_effect="non-scaling-stroke",
    )


def _level(start: str, colour: str, dashes: str) -> Html:
    height = start.partition(",")[2]
    return _line(f"0,{height} {WIDTH},{height}", colour, dashes)


def _mark(across: float) -> Html:
    return tag(
        "polyline",
        points=f"{across:.1f},0 {across:.1f},{HEIGHT}",
        stroke="var(--line)",
        stroke_width=1,
        vector_effect="non-scaling-stroke",
    )


def _key(timeline: Timeline, last: Point, *, over: bool) -> Html:
    beyond = " (leaves the drawing at the top)" if over else ""
    rows: list[tuple[str, str]] = [
        ("said", f"said, dotted: {last.said:,}{beyond}"),
        ("seen", f"seen, solid: {last.seen:,}"),
        ("budget", f"budget: {timeline.input_tokens:,}"),
    ]
    if timeline.trigger is not None:
        rows.append(("trigger", f"trigger, dashed: {timeline.trigger:,}"))
    if timeline.compactions:
        rows.append(("line", f"compactions: {len(timeline.compactions)}"))
    items: list[Child] = [tag("li", joined(swatch(colour), text)) for colour, text in rows]
    return tag("ul", *items, class_="key")
