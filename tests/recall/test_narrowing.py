"""A long message counts by its best passage."""

from __future__ import annotations

import math
from dataclasses import replace

from context_compaction.archive import SearchDocument, SearchPool, open_archive
from context_compaction.messages import Message
from context_compaction.recall import Weights, recall
from context_compaction.recall.narrowing import narrowed
from context_compaction.testing.archive_rows import Writer

FILLER = "nothing of note happens here, the sea is flat and grey. " * 12
WORDS = {"harbour": "harbour", "master": "master"}


def document(seq: int, length: int = 300, role: str = "user") -> SearchDocument:
    ref = f"s:{seq}" if role == "summary" else f"m:{seq}"
    return SearchDocument(1, ref, seq, role, 0, length, {"harbour": 1, "master": 1})


def pool(*documents: SearchDocument) -> SearchPool:
    return SearchPool(documents, 20, 150.0, {"harbour": 2, "master": 2})


def test_words_far_apart_do_not_answer_together() -> None:
    """Of a log with both words somewhere and one with both in a line, the second is the better hit."""
    scattered = f"the harbour is open. {FILLER * 3} the master of arts came by. {FILLER * 3}"
    together = f"{FILLER * 3} the harbour master came by. {FILLER * 3}"
    with open_archive() as archive:
        writer = Writer.of(archive, "talk")
        writer.say(scattered, *[f"boat {number} sails" for number in range(20)], together)
        asked = "who is the harbour master?"
        refs = [hit.ref for hit in recall(archive, writer.branch, asked, 2)]
        assert refs == ["m:22", "m:1"]
        whole = Weights(passages=False)
        first, second = recall(archive, writer.branch, asked, 2, weights=whole)
        assert math.isclose(first.score, second.score, rel_tol=0.05)
        assert [hit.why for hit in recall(archive, writer.branch, asked, 2)][1] == ("harbour", "master")


def test_short_messages_and_summaries_stay_as_they_are() -> None:
    found = pool(document(1, 10), document(2, 300, "summary"))
    messages = {1: Message("user", "the harbour master"), 2: Message("user", FILLER * 9)}
    assert narrowed(found, messages, WORDS, Weights()) is None
    assert narrowed(pool(document(2)), messages, WORDS, Weights()) is None  # no word stands in its text
    assert narrowed(pool(document(3)), messages, WORDS, Weights()) is None  # it was not read


def test_counts_and_lengths_are_those_of_the_passage() -> None:
    text = f"{'x ' * 600}harbour, harbour {'x ' * 600} master"
    messages = {1: Message("user", text), 2: Message("user", "short")}
    found = narrowed(pool(document(1), document(2, 20)), messages, WORDS, Weights())
    assert found is not None
    long, short = found.documents
    assert long.terms == {"harbour": 2.0, "master": 0.0}
    assert long.length == 300 * 300 // len(text)
    assert short.terms == {"harbour": 1, "master": 1}
    assert found.mean_length == (long.length + 20) / 2
    assert narrowed(pool(document(1)), messages, WORDS, replace(Weights(), passages=False)) is None


def test_what_stands_right_beside_the_passage_counts_in_part() -> None:
    text = f"{'x ' * 140}harbour {'y ' * 150}master {'z ' * 300}"
    found = narrowed(pool(document(1)), {1: Message("user", text)}, WORDS, Weights())
    assert found is not None
    weights = Weights()
    counts = sorted(found.documents[0].terms.values())
    assert counts == [
        weights.neighbours * (1.0 if found.documents[0].terms["master"] == 1 else weights.before),
        1.0,
    ]
