"""Long text in pages of so many tokens."""

from __future__ import annotations

from context_compaction.counting import TokenCounter
from context_compaction.recall.paging import fitting_chars

NEXT = "\n[page {page} of {pages}; ask for page {next} to read on]"
_ROOM = 24
"""Tokens kept free for that line."""


class Pages:
    """Cuts a text into pages; the same text is always cut alike."""

    def __init__(self, max_tokens: int, counter: TokenCounter) -> None:
        self._max_tokens = max_tokens
        self._counter = counter

    def page(self, text: str, number: int) -> tuple[str, int]:
        """Page ``number``, from 1, and how many there are; behind the last one there is nothing."""
        if self._counter.text(text) <= self._max_tokens:
            return (text if number == 1 else ""), 1
        starts, room = [0], max(1, self._max_tokens - _ROOM)
        while starts[-1] < len(text):
            starts.append(starts[-1] + fitting_chars(text[starts[-1] :], room, self._counter))
        pages = len(starts) - 1
        if not 1 <= number <= pages:
            return "", pages
        part = text[starts[number - 1] : starts[number]]
        more = NEXT.format(page=number, pages=pages, next=number + 1) if number < pages else ""
        return part + more, pages
