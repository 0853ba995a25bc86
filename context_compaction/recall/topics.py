"""The most telling words of parts of a log, from a sample of its messages."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from context_compaction.archive.base import Archive
from context_compaction.text.terms import query_words
from context_compaction.view import Range

SAMPLE = 500
"""So many messages are read, evenly spread, and the first of each part."""
TOPICS = 5
_READ = 2000
_LONGEST = 40


class Topics:
    """What the parts of one log are about."""

    def __init__(
        self, archive: Archive, branch: int, last_seq: int, parts: Iterable[Sequence[Range]]
    ) -> None:
        step = max(1, -(-last_seq // SAMPLE))
        wanted = {*range(1, last_seq + 1, step), *(ranges[0][0] for ranges in parts if ranges)}
        rows = archive.messages(branch, [(seq, seq) for seq in sorted(wanted)]) if wanted else []
        self._words = {row.seq: _words(row.message.text) for row in rows if not row.pruned}
        self._held = Counter(term for words in self._words.values() for term in words)
        self._written: dict[str, Counter[str]] = {}
        for words in self._words.values():
            for term, word in words.items():
                self._written.setdefault(term, Counter())[word] += 1

    def of(self, ranges: Sequence[Range]) -> tuple[str, ...]:
        """The words that tell these ranges from the rest, most telling first."""
        inside = Counter(
            term
            for seq, words in self._words.items()
            if any(first <= seq <= last for first, last in ranges)
            for term in words
        )
        everywhere = 1 + len(self._words)
        best = sorted(
            inside, key=lambda term: (-inside[term] * math.log(everywhere / self._held[term]), term)
        )
        written = (self._written[term].most_common(1)[0][0] for term in best)
        return tuple(dict.fromkeys(word for word in written if len(word) <= _LONGEST))[:TOPICS]


def _words(text: str) -> Mapping[str, str]:
    """The telling terms of a text's beginning, each as it is written there."""
    return {
        term: word for term, word in query_words(text[:_READ]).items() if len(term) > 2 and not term.isdigit()
    }
