"""Which of a recall's hits are worth their tokens beside a question, and which passages of long ones."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from math import log1p, sqrt
from typing import NamedTuple

from context_compaction.counting import TokenCounter
from context_compaction.messages import Message, quotable
from context_compaction.recall.block import Block
from context_compaction.recall.hits import SearchHit
from context_compaction.recall.passages import Telling
from context_compaction.render import Quote

# The numbers below were chosen on half of the LoCoMo dialogues (docs/decisions/0018-auto-recall.md).
LEAST = 0.6
"""Of what a word scores that one message alone holds: a best hit under it says that nothing was asked, as
with "thanks!"."""
FLOOR = 0.25
"""Of the best hit's score: what is under it is not worth its tokens."""
HITS = 64
"""So many hits are looked at."""
SHORT = 600
"""Characters up to which a message is quoted as a whole: a token is about four of them."""
BEST = 0.5
"""Of the room: up to there the best hit is quoted as a whole, too."""
ANSWER = 0.25
"""Of the room: more does not go to the message that answers a hit."""
_WORDS = 200
_ASKED_IN = 80
"""Characters at a message's end in which a question asks to be answered."""


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
    words: Mapping[str, str],
    messages: int,
    shown: Container[str] = (),
) -> tuple[Quote, ...]:
    """What of the best hits fits ``room`` tokens as a recalled block, in log order; or nothing.

    ``answers``: messages that may stand behind the hit before them, if that is chosen. ``words``: the
    question's terms (`query_words`), for passages of what is long. ``messages``: how many were searched.
    ``shown``: texts that the model sees anyway; nothing is quoted twice.
    """
    best = max((hit.score for hit in hits if hit.message is not None), default=0.0)
    if best < LEAST * log1p(messages / 1.5):
        return ()
    block = Block(room, counter, shown)

    def quote_whole(piece: _Piece, most: int) -> None:
        if block.add(piece.seq, piece.message, most) and piece.seq + 1 in answers:
            block.add(piece.seq + 1, answers[piece.seq + 1], int(ANSWER * room))

    worth = [
        _Piece(hit.score / best, int(hit.ref[2:]), hit.message)
        for hit in hits
        if hit.message is not None and hit.score >= FLOOR * best
    ]
    quote_whole(min(worth, key=_best_first), int(BEST * room))
    for piece in sorted((part for whole in worth for part in _parted(whole, words)), key=_best_first):
        if piece.telling is None:
            quote_whole(piece, room)
        else:
            block.add_line(piece.seq, piece.message, piece.telling, piece.line)
    return block.quotes()


class _Piece(NamedTuple):
    """A message that may be quoted, or a line of it."""

    value: float
    """Of the best one's, which has 1."""
    seq: int
    message: Message
    telling: Telling | None = None
    line: int = 0


def _best_first(piece: _Piece) -> tuple[float, int, int]:
    return -piece.value, piece.seq, piece.line


def _parted(whole: _Piece, words: Mapping[str, str]) -> Iterator[_Piece]:
    """A long message as its lines over the floor; by the root, so that several lines of a good one come."""
    text = quotable(whole.message)
    if len(text) <= SHORT:
        yield whole
        return
    telling = Telling.of(text, words)
    for line, share in telling.scores.items():
        if share >= FLOOR:
            yield whole._replace(value=whole.value * sqrt(share), telling=telling, line=line)
