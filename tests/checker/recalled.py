"""Does the recalled block quote the log, word for word, and nothing that is shown anyway? (design §5)"""

from __future__ import annotations

import re

from tests.checker.context_message import is_recalled, unescape
from tests.checker.problem import ChatMessage, Problem, calls, function, text
from tests.checker.request import Request

QUOTE = re.compile(r"^\[m:(\d+) [^\]\n]+\] ", re.MULTILINE)
"""How a quoted message begins; a day may stand on a line of its own before it."""
GAP = "[...]"
_DAY = re.compile(r"\n\[\d{4}-\d\d-\d\d\]$")


def quotes(content: str) -> list[tuple[int, str]]:
    """Number and text of what a block quotes, in its order, as it stands there."""
    body = content.strip().removesuffix("</recalled>").removesuffix("\n")
    starts = list(QUOTE.finditer(body))
    ends = [*(start.start() - 1 for start in starts[1:]), len(body)][: len(starts)]
    return [
        (int(start[1]), _DAY.sub("", body[start.end() : end]))
        for start, end in zip(starts, ends, strict=True)
    ]


def check_recalled(request: Request) -> list[Problem]:
    """Quotes in log order, of messages said before the newest user message and not shown as they are."""
    blocks = [text(message) for message in request.shown if is_recalled(message, request.log)]
    problems: list[Problem] = []
    for block in blocks:
        found = quotes(block)
        numbers = [seq for seq, _ in found]
        if not found or numbers != sorted(set(numbers)):
            problems.append(Problem("recalled-order", "recalled", f"quotes {numbers}"))
        for seq, words in found:
            problems += _check_quote(request, seq, words)
    return problems


def _check_quote(request: Request, seq: int, words: str) -> list[Problem]:
    where = f"m:{seq} recalled"
    if not 0 < seq < request.newest_user:
        return [Problem("recalled-future", where, "not said before the newest user message")]
    original = request.original(seq)
    if not _stand_in(words, _said(original)):
        return [Problem("recalled-words", where, f"was {_said(original)[:60]!r}, is {words[:60]!r}")]
    if original in request.shown:
        return [Problem("recalled-twice", where, "is shown in its place, too")]
    return []


def _stand_in(words: str, said: str) -> bool:
    """Whether all of it is quoted, or passages in their order, and a gap wherever something is left out."""
    passages: list[list[str]] = [[]]
    for line in words.split("\n"):
        if line == GAP:
            passages.append([])
        else:
            passages[-1].append(line)
    first, *others = [unescape("\n".join(passage)) for passage in passages]
    if not others:
        return first == said
    if not said.startswith(first) or not said.endswith(others[-1]):
        return False
    place, end = len(first), len(said) - len(others[-1])
    for passage in others[:-1]:
        place = said.find(passage, place + 1, end)
        if not passage or place < 0:
            return False
        place += len(passage)
    return place < end


def _said(message: ChatMessage) -> str:
    """Text and calls, as a quote has them."""
    called = [function(call) for call in calls(message)]
    parts = [text(message), *(f"{each.get('name')}({each.get('arguments')})" for each in called)]
    return "\n".join(part for part in parts if part)
