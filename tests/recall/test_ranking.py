"""Ranking by the scope's own statistics, on pools made by hand."""

from dataclasses import replace

import pytest

from context_compaction.archive import SearchDocument, SearchPool
from context_compaction.recall.ranking import Weights, rank


def pool(*documents: SearchDocument, total: int = 20, length: int = 10, log: int = 20) -> SearchPool:
    """A scope of ``total`` documents in one sitting unless a document says otherwise."""
    terms = [term for document in documents for term in document.terms]
    lengths = {(1, seq): (length, 0, "user") for seq in range(1, log + 1)}
    for document in documents:
        lengths[document.branch, document.first] = (document.length, document.sitting, document.role)
    return SearchPool(documents, total, length, {term: terms.count(term) for term in terms}, lengths)


def said(seq: int, *, role: str = "user", sitting: int = 0, length: int = 10, **terms: int) -> SearchDocument:
    return SearchDocument(1, f"m:{seq}", seq, role, sitting, length, terms)


def refs(found: SearchPool, k: int = 99, **weights: float) -> list[str]:
    return [ranked.ref for ranked in rank(found, k, replace(Weights(), **weights))]  # pyright: ignore[reportArgumentType]


def test_rare_terms_tell_more():
    common = [said(seq, like=1) for seq in range(10, 18)]
    assert refs(pool(said(1, like=1), said(4, zebra=1), *common), neighbours=0.0)[0] == "m:4"


def test_more_of_a_term_and_a_shorter_message_tell_more():
    assert refs(pool(said(1, a=1), said(9, a=3)), neighbours=0.0) == ["m:9", "m:1"]
    assert refs(pool(said(1, a=1, length=40), said(9, a=1)), neighbours=0.0) == ["m:9", "m:1"]


def test_a_match_between_matches_stands_first():
    """The neighbour field: equal by themselves, better by what stands around."""
    found = pool(said(3, a=1), said(10, a=1), said(12, a=1))
    assert refs(found)[:3] == ["m:10", "m:12", "m:3"]
    assert refs(found, neighbours=0.0) == ["m:3", "m:10", "m:12"]


def test_messages_around_a_match_are_candidates():
    assert set(refs(pool(said(10, a=1)))) == {"m:8", "m:9", "m:10", "m:11", "m:12"}
    assert refs(pool(said(10, a=1)), neighbours=0.0) == ["m:10"]


def test_a_sitting_ends_the_neighbourhood():
    later = [said(seq, sitting=1, b=1) for seq in (11, 12)]
    assert set(refs(pool(said(10, a=1), *later, log=12))) == {"m:8", "m:9", "m:10", "m:11", "m:12"}
    near = {ranked.ref: ranked.neighbours for ranked in rank(pool(said(10, a=1), *later, log=12), 99)}
    assert (near["m:10"], near["m:11"]) == ((8, 9), (12,))


def test_a_role_weighs():
    assert refs(pool(said(1, role="system", a=1), said(9, a=1)), neighbours=0.0) == ["m:9", "m:1"]


def test_summaries_are_ranked_by_themselves():
    summary = SearchDocument(1, "s:2", 5, "summary", 0, 10, {"a": 1})
    found = rank(pool(said(6, a=1), summary), 99)
    assert {ranked.ref for ranked in found} == {"m:4", "m:5", "m:6", "m:7", "m:8", "s:2"}
    assert {ranked.ref: ranked.neighbours for ranked in found}["s:2"] == ()
    scores = {ranked.ref: ranked.score for ranked in found}
    assert scores["m:6"] == pytest.approx(scores["s:2"])


def test_equal_scores_stand_in_log_order_and_k_cuts():
    found = pool(*(said(seq, a=1) for seq in (15, 3, 9)))
    assert refs(found, neighbours=0.0) == ["m:3", "m:9", "m:15"]
    assert refs(found, k=2, neighbours=0.0) == ["m:3", "m:9"]


def test_why_is_most_telling_first():
    common = [said(seq, like=1) for seq in range(10, 18)]
    found = rank(pool(said(1, like=2, zebra=1), *common), 1)
    assert found[0].terms == ("zebra", "like")


def test_an_empty_pool_has_no_hits():
    assert rank(SearchPool((), 0, 0.0, {}, {}), 5) == []
