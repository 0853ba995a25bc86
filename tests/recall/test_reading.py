"""What a message says by itself, beyond its words."""

from dataclasses import replace

import pytest

from context_compaction.messages import Message, TextBlock
from context_compaction.recall import Weights
from context_compaction.recall.query import Query
from context_compaction.recall.ranking import Ranked
from context_compaction.recall.reading import reweighed
from context_compaction.view import SummaryRecord


def order(question: str, *messages: Message, weights: Weights | None = None, summary: str = "") -> list[int]:
    """The numbers of equally ranked messages after reading, best first; a summary of m:1 is 0."""
    query = Query.of(question)
    ranked = [Ranked(number, 0, number, 1.0) for number in range(1, len(messages) + 1)]
    summaries = {7: SummaryRecord(7, summary, 1, 0, ((1, 1),))} if summary else {}
    ranked += [Ranked(0, 7, 1, 1.0)] if summary else []
    found = reweighed(ranked, dict(enumerate(messages, 1)), summaries, query, weights or Weights())
    return [one.seq for one in found]


def said(text: str, role: str = "user", name: str | None = None) -> Message:
    return Message(role, (TextBlock(text),), name=name)  # pyright: ignore[reportArgumentType]


def test_a_role_weighs():
    assert order("x", said("x", "system"), said("x")) == [2, 1]


@pytest.mark.parametrize("question", ["What does Mary-Ann like?", "what did the user say?"])
def test_who_is_named_says_it(question: str):
    name = "Mary Ann" if "Mary" in question else None
    messages = said("that", "assistant", "Bob" if name else None), said("that", "user", name)
    assert order(question, *messages) == [2, 1]
    assert order(question, *messages, weights=replace(Weights(), speaker=0.0)) == [1, 2]


def test_between_people_one_who_asks_does_not_answer():
    assert order("pets", said("Any pets?", name="Bob"), said("A cat.", name="Ann")) == [2, 1]
    assert order("pets", said("Any pets?"), said("A cat.")) == [1, 2], "to an assistant all is asked"


def test_a_phrase_stands_as_it_is_quoted():
    texts = ("wind of the name", "The name, of the WIND", "ename of the wind")
    assert order('who read "name of the wind"?', *map(said, texts)) == [2, 1, 3]
    assert order("who read 'name of the wind'?", said(texts[0]), summary=texts[1]) == [0, 1]


def test_equal_ones_stand_in_log_order():
    assert order("x", said("x"), said("x"), summary="x") == [0, 1, 2]
