"""Whether a draft goes round in circles, as small models do."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

LEAST_LINES = 6
"""Lines that say again what a line before them said, if they are also more than half of all."""
SAME_LINE, LINE_CHARS = 4, 20
"""A line of some length that stands there so often."""
LEAST_RUN = 160
"""Characters of one phrase of up to 80, at least four times on end. Rules of dashes are shorter."""

_RUN = re.compile(r"(.{1,80}?)\1{3,}", re.DOTALL)
_SPACES = re.compile(r"\s+")


def loops(text: str, sources: Iterable[str]) -> bool:
    """Whether it repeats lines or phrases. What the sources repeat themselves is no fault of the draft."""
    lines = Counter(line.strip() for line in text.splitlines() if line.strip())
    again = lines.total() - len(lines)
    if again >= LEAST_LINES and 2 * again > lines.total():
        return True
    if any(count >= SAME_LINE and len(line) >= LINE_CHARS for line, count in lines.items()):
        return True
    runs = [_SPACES.sub(" ", run).strip() for run in _runs(text)]
    said = [_SPACES.sub(" ", source) for source in sources] if runs else []
    return any(not any(run in source for source in said) for run in runs)


def _runs(text: str) -> Iterator[str]:
    """Phrases said over and over. A short run may stand within one of a longer phrase, so it is entered."""
    start = 0
    while found := _RUN.search(text, start):
        long = len(found.group()) >= LEAST_RUN
        if long:
            yield found.group()
        start = found.end() if long else found.start() + 1
