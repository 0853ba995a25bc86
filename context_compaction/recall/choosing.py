"""Which of a recall's hits are worth their tokens beside a question."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from math import log1p

from context_compaction.counting import TokenCounter
from context_compaction.messages import Message
from context_compaction.recall.hits import SearchHit
from context_compaction.render import quotable, quote, recalled_message
from context_compaction.text.dates import date_text

# The numbers below were chosen on half of the LoCoMo dialogues (docs/decisions/0018-auto-recall.md).
LEAST = 0.6
"""Of what a word scores that one message alone holds: a best hit under it says that nothing was asked, as
with "thanks!"."""
FLOOR = 0.25
"""Of the best hit's score: what is under it is not worth its tokens."""
HITS = 64
"""So many hits are looked at."""
_WORDS = 200
_ASKED_IN = 80
"""Characters at a message's end in which a question asks to be answered."""
_LONGEST_TOKEN = 16
"""Characters that hardly a token has: what is longer than the room by this is not worth counting."""

Said = tuple[int, Message]


def question_of(text: str) -> str:
    """The query that a message makes: its first and last 200 words, where people ask."""
    words = text.split()
    return text if len(words) <= 2 * _WORDS else " ".join([*words[:_WORDS], *words[-_WORDS:]])


def answers_to(hits: Iterable[SearchHit]) -> list[int]:
    """The messages that answer those hits that end with a question: each is of little use alone."""
    return [
        int(hit.ref[2:]) + 1
        for hit in hits
        if hit.message is not None
        and "?" in hit.message.text[-_ASKED_IN:]
        and f"m:{int(hit.ref[2:]) + 1}" in hit.neighbours
    ]


def worth_recalling(
    hits: Sequence[SearchHit],
    answers: Mapping[int, Message],
    room: int,
    counter: TokenCounter,
    *,
    messages: int,
    shown: Container[str] = (),
) -> tuple[int, ...]:
    """The best hits that fit ``room`` tokens as one recalled block, in log order; none if none is worth it.

    ``answers``: messages that may stand behind the hit before them, if that is chosen. ``messages``: how many
    were searched.
    ``shown``: texts that the model sees anyway; nothing is quoted twice.
    """
    block = _Block(room, counter, shown)
    for seq, message in _best_first(hits, room, LEAST * log1p(messages / 1.5)):
        if block.add(seq, message) and seq + 1 in answers:
            block.add(seq + 1, answers[seq + 1])
    return block.numbers()


class _Block:
    """A recalled block in the making."""

    def __init__(self, room: int, counter: TokenCounter, shown: Container[str]) -> None:
        self._room = room
        self._counter = counter
        self._shown = shown
        self._left = room - counter.message(recalled_message(()))
        self._chosen: dict[int, Message] = {}
        self._said: set[str] = set()
        self._days: set[str] = set()

    def add(self, seq: int, message: Message) -> bool:
        """Quote a message if it fits and says something that the model does not see yet."""
        text = quotable(message).strip()
        if seq in self._chosen or not text or text in self._said or text in self._shown:
            return False
        day = (date_text(message.timestamp) or "")[:10]
        line = quote(seq, message)
        if len(line) > _LONGEST_TOKEN * self._left:
            return False
        cost = self._line(line) + (self._line(f"[{day}]") if day and day not in self._days else 0)
        if cost > self._left:
            return False
        self._left -= cost
        self._chosen[seq] = message
        self._said.add(text)
        self._days.add(day)
        return True

    def numbers(self) -> tuple[int, ...]:
        """What was chosen. Parts are counted one by one; what they come to together is what is sent."""
        chosen = dict(self._chosen)
        while chosen and self._counter.message(recalled_message(sorted(chosen.items()))) > self._room:
            chosen.popitem()
        return tuple(sorted(chosen))

    def _line(self, text: str) -> int:
        return self._counter.text(text) + 1


def _best_first(hits: Sequence[SearchHit], room: int, least: float) -> Iterator[Said]:
    """The messages over the floor. What takes over a quarter of the room has to be that much better."""
    best = max((hit.score for hit in hits), default=0.0)
    if best < least:
        return
    worth = [
        (hit.score / max(1.0, len(hit.message.text) / room) ** 0.5, int(hit.ref[2:]), hit.message)
        for hit in hits
        if hit.message is not None and hit.score >= FLOOR * best
    ]  # a token is about four characters: a quarter of the room is as many characters as it has tokens
    for _, seq, message in sorted(worth, key=lambda each: (-each[0], each[1])):
        yield seq, message
