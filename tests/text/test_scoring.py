import pytest
from hypothesis import given
from hypothesis import strategies as st

from context_compaction.text.scoring import score_texts, terms_of


def test_recency_length_and_rarity_have_their_weights():
    texts = ["common words here", "common words here", "unique zebra quagga"]
    scores = score_texts(texts, [0, 200, 400])
    assert scores == pytest.approx([0.0, 0.25 + 0.3, 0.5 + 0.3 + 0.2])


def test_a_rare_text_beats_a_common_one_of_the_same_age_and_length():
    texts = ["the same old words"] * 5 + ["peculiar platypus parade"] + ["the same old words"] * 5
    scores = score_texts(texts, [10] * 11)
    assert scores[5] - (scores[4] + scores[6]) / 2 == pytest.approx(0.2)


def test_scripts_without_spaces_have_terms():
    assert terms_of("東京都に住む") == {"東京", "京都", "都に", "に住", "住む"} or {
        "東京",
        "京都",
    } <= terms_of("東京都に住む")
    one, other = terms_of("猫が好きです"), terms_of("犬が好きです")
    assert 0 < len(one & other) < len(one)


@given(st.lists(st.text(max_size=80), max_size=20))
def test_scores_are_shares_and_deterministic(texts):
    tokens = [len(text) for text in texts]
    scores = score_texts(texts, tokens)
    assert len(scores) == len(texts)
    assert all(0.0 <= score <= 1.0 + 1e-9 for score in scores)
    assert scores == score_texts(texts, tokens)


def test_as_many_token_counts_as_texts():
    with pytest.raises(ValueError, match="zip"):
        score_texts(["a"], [1, 2])
