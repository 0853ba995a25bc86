"""Instructions that a draft states and nobody gave. They are left out: who reads the summary would obey them.

A model may take an order out of a web page or a tool's output for the user's, or make one up. What the user
said, a system message, a pin, and what an earlier summary holds as the user's count as given. Telling words
decide (`wording`), so a true rule in wholly other words is lost to the summary; the archive has its message.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from context_compaction.drafting.base import DraftRequest
from context_compaction.drafting.given import Given, judged_lines, parts_of
from context_compaction.text.intent import is_order, is_request, is_rule

_ESCAPED = re.compile(r"\\+[nrt]")
"""A line break as JSON writes it: in a call that was copied, an order may follow."""
_WANTED = re.compile(
    r"\b(?:user|human|customer|client|they|he|she)\b.{0,20}"
    r"\b(?:want|wish|ask|request|need|prefer|instruct|order|told|said|tell|expect|insist|demand)",
    re.IGNORECASE,
)


def without_invented(text: str, request: DraftRequest) -> tuple[str, int]:
    """The draft less the instructions that nobody gave, and their number. Headings left bare go too."""
    given = Given(request)
    kept: list[str] = []
    count = 0
    for line, strict in judged_lines(text, request.sections):
        shown, dropped = _checked(line, given, strict=strict)
        count += dropped
        if not dropped or shown:
            kept.append(shown)
    return (_without_bare_headings(kept), count) if count else (text, 0)


def _checked(line: str, given: Given, *, strict: bool) -> tuple[str, int]:
    """A line less its sentences that nobody said, and their number; empty if no other sentence is left."""
    if line.startswith("## "):
        return line, 0
    if not strict and given.reports(line):
        return line, 0
    mark, said, ref = parts_of(line)
    kept = [piece for piece in said if not _instructs(piece, strict=strict) or given.says(piece)]
    dropped = len(said) - len(kept)
    if not dropped:
        return line, 0
    rest = " ".join(kept)
    return (mark + rest + ref, dropped) if any(map(str.isalnum, rest)) else ("", dropped)


def _instructs(sentence: str, *, strict: bool) -> bool:
    sentence = _ESCAPED.sub(" ", sentence)
    if is_order(sentence):
        return True
    return strict and (is_rule(sentence) or is_request(sentence) or bool(_WANTED.search(sentence)))


def _without_bare_headings(lines: Sequence[str]) -> str:
    kept: list[str] = []
    for line in lines:
        if line.startswith("## ") and kept and kept[-1].startswith("## "):
            kept.pop()
        kept.append(line)
    while kept and (kept[-1].startswith("## ") or not kept[-1].strip()):
        kept.pop()
    return "\n".join(kept)
