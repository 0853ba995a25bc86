"""Which passages of a long message a question asks about: its lines, ranked like a session's messages."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from context_compaction.recall.ranking import rarity, saturated
from context_compaction.recall.weights import Weights
from context_compaction.render import Spans

LINE = 300
"""Characters; a longer line is cut where a sentence ends, or else a word."""
MOST = 256
"""So many places of one word are looked at: what a text says more often points to none of them."""
_HOLE = 16
"""Characters that are shown rather than marked as left out."""
_SHORT = 3
"""Characters up to which a term counts as a whole word only: "pr" is in every "approach"."""
_SENTENCE = re.compile(r"[.!?;]\s+|[\u3002\uff01\uff1f]")
_SPACE = re.compile(r"\s+")
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")


@dataclass(frozen=True, slots=True)
class Telling:
    """The lines of a text, and which of them a question asks about."""

    text: str
    lines: Sequence[tuple[int, int]]
    """From where to where each stands; blank ones are left out, long ones cut."""
    scores: Mapping[int, float]
    """By place what the lines tell that hold a word of the question or stand beside one: the best has 1."""

    @classmethod
    def of(cls, text: str, words: Mapping[str, str]) -> Telling:
        """``words``: a question's terms, each with the word that gave it (`query_words`). Linear in text."""
        lines = list(_lines(text))
        scores = _scores(_places(text, words, lines), len(lines))
        best = max(scores.values(), default=1.0)
        return cls(text, lines, {line: score / best for line, score in scores.items()})

    def line(self, place: int) -> str:
        """What it says."""
        start, end = self.lines[place]
        return self.text[start:end]

    def spans(self, chosen: Iterable[int]) -> Spans:
        """Lines as passages: neighbours in one, and over holes that are shorter than the mark for them."""
        spans: list[tuple[int, int]] = []
        for start, end in [(0, 0), *(self.lines[place] for place in sorted(chosen)), (len(self.text),) * 2]:
            if spans and len(self.text[spans[-1][1] : start].strip()) <= _HOLE:
                spans[-1] = (spans[-1][0], end)
            else:
                spans.append((start, end))
        return tuple(span for span in spans if span[0] < span[1])


def _lines(text: str) -> Iterator[tuple[int, int]]:
    """Where the lines stand that are not blank; a long one in pieces of at most `LINE` characters."""
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        while end - start > LINE:
            cut = _cut(text, start)
            yield from _stripped(text, start, cut)
            start = cut
        yield from _stripped(text, start, end)
        start = end + 1


def _cut(text: str, start: int) -> int:
    """Where to part a long line: behind its last sentence in reach, else its last word, else in between."""
    for pattern in (_SENTENCE, _SPACE):
        ends = [found.end() for found in pattern.finditer(text, start + LINE // 2, start + LINE)]
        if ends:
            return ends[-1]
    cut = start + LINE
    return cut - 1 if _PAIR.match(text, cut - 1) else cut


def _stripped(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    line = text[start:end].rstrip()
    if line and not line.isspace():
        yield start, start + len(line)


def occurrences(text: str, words: Mapping[str, str]) -> Iterator[tuple[str, Iterator[int]]]:
    """Where each term occurs in a text, as far as `MOST`."""
    lowered = text.lower()
    if len(lowered) != len(text):
        lowered = text  # a few letters grow when lowered, and places would shift
    for term, word in words.items():
        forms = {_stem(term)} if term.isascii() and word.isascii() else {term, word.lower()}
        yield term, chain.from_iterable(_occurrences(lowered, form) for form in forms)


def _places(text: str, words: Mapping[str, str], lines: Sequence[tuple[int, int]]) -> dict[str, set[int]]:
    """In which lines each term occurs."""
    starts = [start for start, _ in lines]
    found: dict[str, set[int]] = {}
    for term, places in occurrences(text, words):
        if held := {bisect_right(starts, place) - 1 for place in places} - {-1}:
            found[term] = held
    return found


def _stem(term: str) -> str:
    """What every word of the term begins with: ``studi`` stands for study, too."""
    return term[:-1] if len(term) > _SHORT + 1 and term.endswith("i") else term


def _occurrences(text: str, form: str) -> Iterator[int]:
    place, short = text.find(form), len(form) <= _SHORT
    for _ in range(MOST):
        if place < 0:
            return
        if not (short and form.isascii() and _is_inside(text, place, place + len(form))):
            yield place
        place = text.find(form, place + len(form))


def _is_inside(text: str, start: int, end: int) -> bool:
    return text[max(0, start - 1) : start].isalnum() or text[end : end + 1].isalnum()


def _scores(places: Mapping[str, Iterable[int]], total: int) -> dict[int, float]:
    """What each line tells: how rare its words are here, and with less weight those of lines around it."""
    weights = Weights()
    lent, scores = weights.lent(), dict[int, float]()
    for held in places.values():
        own = set(held)
        telling = rarity(len(own), total)
        field: dict[int, float] = {}
        for line in own:
            for offset, share in lent:
                if 0 <= line + offset < total:
                    field[line + offset] = field.get(line + offset, 0.0) + share
        for line, count in field.items():
            scores[line] = scores.get(line, 0.0) + telling * saturated(count, weights.saturation)
    return scores
