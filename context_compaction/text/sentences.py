"""A text in pieces that can be quoted on their own: sentences of prose, lines of anything else."""

from __future__ import annotations

import re

MAX_PIECE = 600
"""Characters; a longer piece is cut at a space."""
SYMBOL_SHARE = 0.08
"""Share of a sentence's characters that may be signs which words do without."""

_FENCE = re.compile(r"\s{0,3}(?:```|~~~)")
_LINE = re.compile(r"\s{0,12}(?:\||#{1,6} |(?:[-*+•]|\d{1,3}[.)]) )")
_CODE = re.compile(r"[{};\\]\s{0,8}$|^\s{4,}\S|^(?:\t|[$>+-] |@@|import |from \w+ import )")
_MACHINE = re.compile(
    r"\||\d{1,6}[:|\t→]|[$>{}@+-]|\[\w{1,20}[:\]]|(?:import|export|const|def|class|return) "
)
_SYMBOL = re.compile(r"[{}()\[\]<>|=;\\/_$#@^~]")
_END = re.compile(r"[.!?…]{1,4}[\"'”’)\]]{0,3}(?=\s)|[。！？]{1,4}[」』”）]{0,3}")  # noqa: RUF001
_ABBREVIATION = re.compile(
    r"(?:^|[\s(])(?:[A-Za-z]|e\.g|i\.e|cf|vs|etc|approx|no|mr|mrs|ms|dr|prof|st|fig|jr|sr|inc|ltd|dept)\.$",
    re.IGNORECASE,
)


def sentences(text: str) -> list[str]:
    """The pieces in order, stripped, none empty, none over `MAX_PIECE` characters.

    No character but white space is lost. Code blocks, tables, list items and headings stay lines; Chinese and
    Japanese full stops end a sentence without a space. Linear in the text.
    """
    out: list[str] = []
    fenced = False
    for line in text.splitlines():
        if _FENCE.match(line):
            fenced = not fenced
        whole = fenced or _LINE.match(line) or _CODE.search(line[:80]) or _CODE.search(line[-80:])
        for piece in [line] if whole else _split(line):
            out.extend(_short(piece.strip()))
    return out


def is_prose(sentence: str) -> bool:
    """Whether it reads like words said, not like code, a table or a log line."""
    head = sentence[:MAX_PIECE]
    return not _MACHINE.match(head) and len(_SYMBOL.findall(head)) <= 1 + len(head) * SYMBOL_SHARE


def _split(line: str) -> list[str]:
    """A line of prose at the ends of its sentences."""
    pieces: list[str] = []
    start = 0
    for end in _END.finditer(line):
        stop = end.end()
        following = line[stop : stop + 80].lstrip()[:1]
        if end.group().startswith(".") and (
            following.islower() or _ABBREVIATION.search(line[max(start, stop - 12) : stop])
        ):
            continue
        pieces.append(line[start:stop])
        start = stop
    return [*pieces, line[start:]]


def _short(piece: str) -> list[str]:
    """Pieces of at most `MAX_PIECE` characters, cut at a space where there is one."""
    out: list[str] = []
    start = 0
    while len(piece) - start > MAX_PIECE:
        cut = piece.rfind(" ", start + MAX_PIECE // 2, start + MAX_PIECE)
        cut = start + MAX_PIECE if cut < 0 else cut
        out.append(piece[start:cut].strip())
        start = cut
    return [part for part in (*out, piece[start:].strip()) if part]
