"""The pieces that every display is made of: frame, tiles, tables, bars, passages of text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files

from context_compaction.display.html import Child, Html, joined, tag
from context_compaction.view import Range, range_text

LONGEST = 600
"""Characters of a text that are shown at once; the rest of it opens on demand, up to `MOST`."""
MOST = 20_000
"""Characters of one text that a display carries at all."""


@cache
def style() -> Html:
    """The style sheet: light and dark, by JupyterLab's theme where it is, else as the system has it."""
    sheet = (files(__package__ or "") / "style.css").read_text("utf-8")
    return tag("style", Html(sheet.replace("\n", "")))


def frame(label: str, *children: Child) -> str:
    """A whole display. Formulas in it stay text: conversations are full of dollar signs."""
    body = tag("div", *children, class_="ctxc tex2jax_ignore mathjax_ignore", role="group", aria_label=label)
    return str(joined(style(), body))


def title(kind: str, name: Child, *notes: Child) -> Html:
    """The first line of a display."""
    said = [tag("span", note, class_="dim", dir="auto") for note in notes if note != ""]
    return tag("header", tag("strong", kind, " ", tag("span", name, dir="auto")), *said)


def section(head: str, *children: Child) -> Html:
    """A part of a display under a heading."""
    return tag("section", tag("div", head, class_="head"), *children)


def tiles(*facts: tuple[str, Child, Child]) -> Html:
    """Numbers side by side: what, how much, and a note."""
    return tag(
        "dl",
        *(
            tag("div", tag("dt", what), tag("dd", tag("b", value)), tag("dd", note, class_="dim"))
            for what, value, note in facts
        ),
        class_="tiles",
    )


def table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[Child]], numbers: str = "") -> Html:
    """A table whose first column names its rows; ``numbers``: the columns set to the right, by name."""
    right = set(numbers.split("|"))
    kinds = [{"class_": "num"} if column in right else {} for column in columns]
    head = (tag("th", column, scope="col", **kind) for column, kind in zip(columns, kinds, strict=True))
    body = (
        tag(
            "tr",
            tag("th", row[0], scope="row"),
            *(tag("td", cell, **kind) for cell, kind in zip(row[1:], kinds[1:], strict=True)),
        )
        for row in rows
    )
    said = tag("caption", caption) if caption else ""
    whole = tag("table", said, tag("thead", tag("tr", *head)), tag("tbody", *body))
    # What can be scrolled can be reached by keyboard.
    return tag("div", whole, class_="scroll", tabindex=0, role="group", aria_label=caption or "table")


def bar(part: float, whole: float, color: str) -> Html:
    """A bar beside a number that says the same."""
    width = 100 * min(1.0, max(0.0, part / whole)) if whole else 0.0
    filled = tag("i", style=f"width:{width:.1f}%;background:var(--{color})")
    return tag("span", filled, class_="bar", aria_hidden="true")


def swatch(color: str) -> Html:
    """A patch of colour beside the word that it stands for."""
    return tag("span", class_="swatch", style=f"background:var(--{color})", aria_hidden="true")


def label(text: str, color: str) -> Html:
    """A word set off by its colour."""
    return tag("span", text, class_="tag", style=f"color:var(--{color})")


def chips(words: Iterable[str]) -> Html:
    """Words set apart."""
    return tag("span", *(tag("span", word, dir="auto") for word in words), class_="chips")


def passage(text: str, longest: int = LONGEST) -> Html:
    """What was said, line breaks kept; of a long text the beginning, the rest when opened."""
    if len(text) <= longest:
        return tag("div", text, class_="said", dir="auto")
    rest = text[longest:MOST]
    cut = len(text) - longest - len(rest)
    more = f"{len(rest):,} more characters" + (f" (and {cut:,} that are not shown)" if cut else "")
    return joined(
        tag("div", text[:longest] + "…", class_="said", dir="auto"),
        tag("details", tag("summary", more, class_="dim"), tag("div", rest, class_="said", dir="auto")),
    )


def ranges(found: Sequence[Range], most: int = 8) -> str:
    """References of ranges, the first ones: ``m:1-m:40, m:43``."""
    rest = len(found) - most
    return range_text(tuple(found[:most])) + (f" and {rest} more" if rest > 0 else "")


def percent(share: float) -> str:
    """A share as a person reads it; all but all is not all."""
    whole = round(100 * share)
    return f"{whole} %" if whole < 100 or share >= 1 else "over 99 %"
