"""Long text in pages of so many tokens."""

from __future__ import annotations

from context_compaction.counting import TokenCounter

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
        starts = [0]
        while starts[-1] < len(text):
            starts.append(starts[-1] + self._fitting(text[starts[-1] :]))
        pages = len(starts) - 1
        if not 1 <= number <= pages:
            return "", pages
        part = text[starts[number - 1] : starts[number]]
        more = NEXT.format(page=number, pages=pages, next=number + 1) if number < pages else ""
        return part + more, pages

    def _fitting(self, text: str) -> int:
        """How many characters of it fit a page, ending with a line where one ends in its last fifth."""
        room = max(1, self._max_tokens - _ROOM)
        low, high = 1, min(len(text), room * 8)
        while low < high:
            middle = (low + high + 1) // 2
            if self._counter.text(text[:middle]) <= room:
                low = middle
            else:
                high = middle - 1
        if low < len(text):
            line = text.rfind("\n", low * 4 // 5, low)
            return low if line < 0 else line + 1
        return low
