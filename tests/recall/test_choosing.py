"""Which hits make a recalled block: by score, room, length and what is shown anyway."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from context_compaction import Message
from context_compaction.messages import quotable
from context_compaction.recall import SearchHit, answers_to, question_of, worth_recalling
from context_compaction.render import Quote, recalled_message
from context_compaction.text.terms import query_words
from tests.windows import WORDS

FRAME = 21
"""Tokens of an empty block."""


def hit(seq: int, score: float, text: str, *, near: Sequence[int] = ()) -> SearchHit:
    neighbours = tuple(f"m:{number}" for number in near)
    return SearchHit(f"m:{seq}", Message("user", text), None, score, ("word",), neighbours)


def chosen(
    *hits: SearchHit,
    room: int = 200,
    messages: int = 100,
    answers: Mapping[int, Message] | None = None,
    shown: Sequence[str] = (),
) -> tuple[int, ...]:
    return tuple(
        each.seq for each in quoted(*hits, room=room, messages=messages, answers=answers, shown=shown)
    )


def quoted(
    *hits: SearchHit,
    room: int = 200,
    messages: int = 100,
    answers: Mapping[int, Message] | None = None,
    shown: Sequence[str] = (),
    words: str = "word",
) -> tuple[Quote, ...]:
    return worth_recalling(
        hits, answers or {}, room, WORDS, words=query_words(words), messages=messages, shown=shown
    )


def test_the_best_come_first_and_stand_in_log_order() -> None:
    hits = [hit(9, 8, "nine " * 20), hit(3, 7, "three " * 20), hit(5, 6, "five " * 20)]
    assert chosen(*hits) == (3, 5, 9)
    assert chosen(*hits, room=FRAME + 50) == (3, 9)
    assert chosen(*hits, room=FRAME + 25) == (9,)
    assert chosen(*hits, room=FRAME) == ()


def test_what_does_not_fit_makes_room_for_what_does() -> None:
    assert chosen(hit(1, 8, "long " * 500), hit(2, 7, "short"), hit(3, 6, "long " * 50_000)) == (2,)


def test_equal_scores_are_taken_in_log_order() -> None:
    assert chosen(hit(7, 8, "seven " * 20), hit(4, 8, "four " * 20), room=FRAME + 25) == (4,)


def test_far_under_the_best_nothing_is_worth_its_tokens() -> None:
    assert chosen(hit(1, 10, "one"), hit(2, 2.6, "two"), hit(3, 2.4, "three")) == (1, 2)


@pytest.mark.parametrize(("messages", "score", "worth"), [(10, 2, True), (1000, 2, False), (1000, 5, True)])
def test_a_best_hit_that_many_messages_could_be_is_none(messages: int, score: float, worth: bool) -> None:
    assert chosen(hit(1, score, "thanks"), messages=messages) == ((1,) if worth else ())


LINES = [f"line {number} says nothing of it" for number in range(60)]


def long(seq: int, score: float, **telling: str) -> SearchHit:
    """A message of sixty lines; ``telling``: what the line of a number says instead."""
    lines = [telling.get(f"at{number}", line) for number, line in enumerate(LINES)]
    return hit(seq, score, "\n".join(lines))


def passages(message: Message | None, quote: Quote) -> list[str]:
    assert message is not None
    return [quotable(message)[start:end] for start, end in quote.spans]


def test_of_a_long_message_the_telling_lines_are_quoted_with_those_around_them() -> None:
    found = long(4, 9, at30="the word is here", at50="and the word again")
    [one] = quoted(found, room=120)
    first, second = passages(found.message, one)
    assert first.splitlines() == [*LINES[28:30], "the word is here", *LINES[31:33]]
    assert second.splitlines() == [*LINES[48:50], "and the word again", *LINES[51:53]]


def test_with_little_room_only_the_line_itself() -> None:
    found = long(4, 9, at30="the word is here")
    [one] = quoted(found, room=FRAME + 14)
    assert passages(found.message, one)[0] == "the word is here"


def test_lines_fill_the_room_and_no_more() -> None:
    """Also where all of them tell much."""
    telling = {f"at{number}": f"the word is here at {number} " + "so " * 40 for number in range(0, 60, 2)}
    hits = [long(1, 9, **telling), long(2, 9, **telling, at1="too")]
    said = {seq: found.message for seq, found in enumerate(hits, 1) if found.message is not None}
    found = quoted(*hits, room=150)
    assert 100 < WORDS.message(recalled_message((quote, said[quote.seq]) for quote in found)) <= 150


def test_the_best_hit_is_quoted_as_a_whole_up_to_half_the_room() -> None:
    one, other = long(4, 9, at30="the word is here"), long(5, 8, at30="the word is there")
    first, second = quoted(one, other, room=900)
    assert (first.spans, len(second.spans)) == ((), 1)
    assert quoted(one, other, room=600)[0].spans


def test_long_messages_share_the_room_by_what_they_tell() -> None:
    hits = [long(seq, 9 - seq / 10, at30=f"the word number {seq}") for seq in range(1, 9)]
    found = quoted(*hits, room=200)
    assert len(found) == 8
    for each, one in zip(hits, found, strict=True):
        assert f"the word number {one.seq}" in "".join(passages(each.message, one))


def test_a_long_message_that_holds_no_word_is_left_out() -> None:
    """Its neighbours made it a hit, which says nothing of its lines."""
    assert chosen(hit(1, 8, "short"), long(2, 7)) == (1,)


def test_nothing_is_quoted_that_is_shown_or_quoted_already() -> None:
    hits = [hit(1, 9, "same"), hit(2, 8, "same "), hit(3, 7, "seen"), hit(4, 6, " "), hit(5, 5, "new")]
    assert chosen(*hits, shown=["seen"]) == (1, 5)


def test_a_question_takes_its_answer_along_if_both_fit() -> None:
    asked, answer = hit(4, 9, "so where is it?", near=(3, 5)), Message("user", "under the bridge")
    assert answers_to([asked]) == [5]
    assert chosen(asked, answers={5: answer}) == (4, 5)
    assert chosen(asked, answers={5: answer}, room=FRAME + 8) == (4,)
    assert chosen(hit(4, 9, "so", near=(5,)), hit(8, 2, "x"), answers={9: answer}) == (4,)


def test_only_a_question_at_the_end_has_an_answer_and_only_in_its_sitting() -> None:
    assert answers_to([hit(4, 9, "it is there", near=(5,))]) == []
    assert answers_to([hit(4, 9, "where? " + "words " * 20, near=(5,))]) == []
    assert answers_to([hit(4, 9, "where is it?", near=(3,))]) == []


def test_a_long_question_is_asked_by_its_ends() -> None:
    assert question_of("what is\nthis?") == "what is\nthis?"
    words = [f"w{number}" for number in range(1000)]
    assert question_of(" ".join(words)).split() == [*words[:200], *words[-200:]]
