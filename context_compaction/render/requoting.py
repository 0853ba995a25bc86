"""Reading a recalled block again: which messages it quotes, and which passages of them."""

from __future__ import annotations

import re

from context_compaction.render.quoting import unescape
from context_compaction.render.recalled import CLOSES, GAP, OPENS, Spans

_QUOTE = re.compile(r"^\[m:(\d{1,18}) [^\]\n]+\] ", re.MULTILINE)
_GAP = re.compile(rf"(?:\A|\n){re.escape(GAP)}(?:\n|\Z)")
_DAY = re.compile(r"\n\[\d{4}-\d\d-\d\d\]\Z")


def recalled_quotes(text: str) -> list[tuple[int, str]]:
    """Number and quotation of each message in a text with the form of a recalled block; else empty."""
    if not (text.startswith(f"{OPENS}\n") and text.endswith(f"\n{CLOSES}")):
        return []
    starts = list(_QUOTE.finditer(text))
    ends = [*(start.start() - 1 for start in starts[1:]), len(text) - len(CLOSES) - 1][: len(starts)]
    return [
        (int(start[1]), _DAY.sub("", text[start.end() : end]))
        for start, end in zip(starts, ends, strict=True)
    ]


def passages_in(quotation: str) -> list[str]:
    """The passages that a quotation holds, word for word; the first or last is empty where a gap stands."""
    return [unescape(part) for part in _GAP.split(quotation)]


def spans_of(quotation: str, said: str) -> Spans | None:
    """Where in ``said`` a quotation's passages stand; empty if it is all of it, None if they do not."""
    passages = passages_in(quotation)
    if len(passages) == 1:
        return () if passages[0] == said else None
    spans: list[tuple[int, int]] = []
    at = 0
    for place, words in enumerate(passages):
        if not words:
            at = 1
            continue
        start = len(said) - len(words) if place == len(passages) - 1 else said.find(words, at)
        if start < at or not said.startswith(words, start) or (place == 0 and start):
            return None
        spans.append((start, start + len(words)))
        at = spans[-1][1] + 1
    return tuple(spans)
