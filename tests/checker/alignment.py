"""Which log message does each shown message stand for? (design §4.4, §4.8)

What the context message does not name must be shown, in log order, so the list to expect is known in
advance. Only where the shown list differs from it does a search name what is missing, foreign, or shown
although it is named as compacted.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.checker.edits import stands_for
from tests.checker.log import Item
from tests.checker.problem import ChatMessage
from tests.checker.request import Request

Placed = tuple[int, ChatMessage]


@dataclass(slots=True)
class Alignment:
    """The outcome: pairs of shown message and item, and what found no partner."""

    pairs: list[tuple[int, ChatMessage, Item]] = field(default_factory=list[tuple[int, ChatMessage, Item]])
    missing: list[Item] = field(default_factory=list[Item])
    foreign: list[Placed] = field(default_factory=list[Placed])


def align(request: Request) -> Alignment:
    """Match the shown body against the log."""
    expected = [item for item in request.items if item.seq not in request.covered]
    required = [item for item in expected if not item.optional]
    for candidate in (expected, required):
        found = _exact(request, candidate)
        if found is not None:
            return found
    return _search(request)


def _matches(request: Request, message: ChatMessage, item: Item) -> bool:
    return stands_for(message, item, request.original(item.seq), request.references)


def _exact(request: Request, expected: list[Item]) -> Alignment | None:
    if len(expected) != len(request.body):
        return None
    pairs = list(zip(request.body, expected, strict=True))
    if not all(_matches(request, message, item) for (_, message), item in pairs):
        return None
    return Alignment(pairs=[(place, message, item) for (place, message), item in pairs])


def _search(request: Request) -> Alignment:
    """Greedy: each shown message takes the next item that fits, one that is not named as compacted first."""
    result = Alignment()
    used: set[int] = set()
    start = 0
    for place, message in request.body:
        hit = _next_fit(request, message, start)
        if hit is None:
            result.foreign.append((place, message))
            continue
        result.pairs.append((place, message, request.items[hit]))
        used.add(hit)
        start = hit + 1
    left = (item for index, item in enumerate(request.items) if index not in used)
    result.missing = [item for item in left if item.seq not in request.covered and not item.optional]
    return result


def _next_fit(request: Request, message: ChatMessage, start: int) -> int | None:
    fits = [
        index
        for index in range(start, len(request.items))
        if _matches(request, message, request.items[index])
    ]
    open_fits = [index for index in fits if request.items[index].seq not in request.covered]
    equal = [index for index in open_fits if request.original(request.items[index].seq) == message]
    return next(iter(equal or open_fits or fits), None)
