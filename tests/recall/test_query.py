"""What a question asks for, told from its text alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from context_compaction.recall.query import MAX_PHRASES, Query


@pytest.mark.parametrize(
    "text",
    [
        'who said "to be, or not"?',
        "who said \u201cto be, or not\u201d?",
        "who said \u00abTo Be or not\u00bb?",
        "who said `to be or not`?",
        "who said 'to be or not'?",
    ],
)
def test_what_is_quoted_is_a_phrase(text: str):
    query = Query.of(text)
    assert query.phrases == ["to be or not"]
    assert {"to", "be", "or", "not"} <= set(query.words), "there are no other words in it"


def test_apostrophes_quote_nothing():
    for text in ("Jon's and Gina's dogs' beds don't fit", "'tis Ann's dog", "the dogs' beds, Ann's' too"):
        assert Query.of(text).phrases == []


def test_times_are_asked_for():
    assert [period.words for period in Query.of("What did she do on 16 June?").periods] == ["16 June"]


@given(st.text(st.characters(codec=None, exclude_categories=()), max_size=300))
def test_any_text_is_a_query(text: str):
    query = Query.of(text)
    assert len(query.phrases) <= MAX_PHRASES


@pytest.mark.parametrize("text", ['"a', "'a ", "\u201ca", "`a", "2023-", "12 of ", "in june "])
def test_a_megabyte_is_read_in_one_pass(text: str):
    query = Query.of(text * (1_000_000 // len(text)))
    assert len(query.phrases) <= MAX_PHRASES
    assert len(query.periods) <= 4
