"""Which of a recall's hits are worth their tokens beside a question."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator

from context_compaction.counting import TokenCounter
from context_compaction.messages import Message
from context_compaction.recall.hits import SearchHit
from context_compaction.render import quotable, quote, recalled_message
from context_compaction.text.dates import date_text

FLOOR = 0.3
"""Of the best hit's score: what is under it is not worth its tokens."""
CANDIDATES = 64
"""So many hits are looked at."""
LONGEST_TOKEN = 16
"""Characters that a token of prose hardly ever has: what is longer than the room by this is not counted."""
_WORDS = 200


def question_of(text: str) -> str:
    """The query that a message makes: its first and last 200 words, where people ask."""
    words = text.split()
    return text if len(words) <= 2 * _WORDS else " ".join([*words[:_WORDS], *words[-_WORDS:]])


def worth_recalling(
    hits: Iterable[SearchHit], room: int, counter: TokenCounter, shown: Container[str] = ()
) -> tuple[int, ...]:
    """The best hits that fit ``room`` tokens as one recalled block, in log order.

    ``shown``: texts that the model sees anyway; nothing is quoted twice.
    """
    chosen: list[tuple[int, Message]] = []
    days, left = set[str](), room - counter.message(recalled_message(()))
    for seq, message in _different(hits, shown):
        day = (date_text(message.timestamp) or "")[:10]
        cost = _cost(seq, message, left, counter) + (_line(day, counter) if day not in days else 0)
        if cost <= left:
            chosen.append((seq, message))
            days.add(day)
            left -= cost
    # Parts are counted one by one: what they come to together is what is sent.
    while chosen and counter.message(recalled_message(sorted_said(chosen))) > room:
        chosen.pop()
    return tuple(sorted(seq for seq, _ in chosen))


def sorted_said(said: Iterable[tuple[int, Message]]) -> list[tuple[int, Message]]:
    """In log order."""
    return sorted(said, key=lambda pair: pair[0])


def _different(hits: Iterable[SearchHit], shown: Container[str]) -> Iterator[tuple[int, Message]]:
    """Messages over the floor, best first, that say something that nothing before them does."""
    said, least = set[str](), 0.0
    for hit in hits:
        least = least or FLOOR * hit.score
        if hit.message is None or hit.score < least:
            continue
        text = quotable(hit.message).strip()
        if text and text not in said and text not in shown:
            said.add(text)
            yield int(hit.ref[2:]), hit.message


def _cost(seq: int, message: Message, left: int, counter: TokenCounter) -> int:
    line = quote(seq, message)
    return left + 1 if len(line) > LONGEST_TOKEN * left else _line(line, counter)


def _line(text: str, counter: TokenCounter) -> int:
    return counter.text(text) + 1
