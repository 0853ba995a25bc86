"""Ranking by the scope's own statistics, on pools made by hand."""

from collections.abc import Collection
from dataclasses import replace

import pytest

from context_compaction.archive import SearchDocument, SearchPool
from context_compaction.recall import Weights
from context_compaction.recall.ranking import Ranked, around, rank

SITTING = Weights(neighbours=0.0, sitting=1.0)


def pool(*documents: SearchDocument, total: int = 20, length: int = 10) -> SearchPool:
    """A scope of ``total`` documents."""
    terms = [term for document in documents for term in document.terms]
    periods = [place for document in documents for place in document.periods]
    return SearchPool(
        documents,
        total,
        length,
        {term: terms.count(term) for term in terms},
        [periods.count(place) for place in range(max(periods, default=-1) + 1)],
        1 + max((document.sitting for document in documents), default=0),
    )


def said(
    seq: int,
    *,
    role: str = "user",
    sitting: int = 0,
    length: int = 10,
    of: Collection[int] = (),
    **terms: int,
) -> SearchDocument:
    return SearchDocument(1, f"m:{seq}", seq, role, sitting, length, terms, frozenset(of))


def summed(number: int, first: int, **terms: int) -> SearchDocument:
    return SearchDocument(1, f"s:{number}", first, "summary", 0, 10, terms)


def ranked(
    found: SearchPool,
    k: int = 99,
    weights: Weights | None = None,
    log: int = 20,
) -> dict[str, Ranked]:
    """All messages up to ``log`` are there, in the first sitting if they are no candidates."""
    weights = weights or Weights()
    sittings = {seq: 0 for seq in around(found, weights) if 0 < seq <= log}
    return {
        f"s:{one.summary}" if one.summary else f"m:{one.seq}": one
        for one in rank(found, sittings, k, weights)
    }


def refs(found: SearchPool, k: int = 99, **weights: float) -> list[str]:
    return list(ranked(found, k, replace(Weights(), **weights)))  # pyright: ignore[reportArgumentType]


def test_rare_terms_tell_more():
    common = [said(seq, like=1) for seq in range(10, 18)]
    assert refs(pool(said(1, like=1), said(4, zebra=1), *common), neighbours=0.0)[0] == "m:4"


def test_a_word_that_asks_how_many_tells_half():
    """As a term it is `mani`."""
    found = pool(said(1, mani=1), said(9, sail=1), said(15, sail=1), said(17, x=1))
    assert refs(found, neighbours=0.0, sitting=0.0)[-1] == "m:1"
    assert refs(found, neighbours=0.0, sitting=0.0, framing=1.0)[0] == "m:1"
    alone = ranked(found, weights=Weights(neighbours=0.0, sitting=0.0))
    whole = ranked(found, weights=Weights(neighbours=0.0, sitting=0.0, framing=1.0))
    assert alone["m:1"].score == whole["m:1"].score / 2


def test_more_of_a_term_and_a_shorter_message_tell_more():
    assert refs(pool(said(1, a=1), said(9, a=3)), neighbours=0.0) == ["m:9", "m:1"]
    assert refs(pool(said(1, a=1, length=40), said(9, a=1)), neighbours=0.0) == ["m:9", "m:1"]


def test_a_match_between_matches_stands_first():
    """Equal by themselves, better by what stands around, and by what stands before most."""
    found = pool(said(3, a=1), said(10, a=1), said(12, a=1))
    assert refs(found)[:3] == ["m:12", "m:10", "m:3"]
    assert refs(found, neighbours=0.0) == ["m:3", "m:10", "m:12"]


def test_messages_around_a_match_are_candidates():
    assert set(refs(pool(said(10, a=1)))) == {"m:8", "m:9", "m:10", "m:11", "m:12"}
    assert refs(pool(said(10, a=1)), neighbours=0.0) == ["m:10"]


def test_a_match_tells_more_of_what_follows_it():
    """What is asked stands before what answers it."""
    found = ranked(pool(said(10, a=1)))
    assert found["m:11"].score > found["m:9"].score
    assert found["m:12"].score == found["m:11"].score


def test_a_sitting_ends_the_neighbourhood():
    weights = replace(Weights(), sitting=0.0)
    later = [said(seq, sitting=1, b=1) for seq in (11, 12)]
    found = ranked(pool(said(10, a=1), *later), weights=weights, log=12)
    assert set(found) == {"m:8", "m:9", "m:10", "m:11", "m:12"}
    assert around(pool(said(10, a=1), *later), weights) == {8, 9, 13, 14}
    together = ranked(pool(said(10, a=1), *(one._replace(sitting=0) for one in later)), weights=weights)
    assert together["m:11"].score > found["m:11"].score


def test_a_sitting_that_holds_more_of_the_query_stands_first():
    found = pool(said(1, a=1), said(10, a=1, sitting=1), said(15, b=1, sitting=1), said(18, c=1, sitting=2))
    alone = ranked(found, weights=replace(SITTING, sitting=0.0))
    assert alone["m:1"].score == alone["m:10"].score
    together = ranked(found, weights=SITTING)
    assert together["m:10"].score > together["m:1"].score
    assert together["m:15"].score > together["m:18"].score


def test_a_time_that_the_query_names_tells_much():
    found = pool(said(1, a=1), said(9, a=1, of=[0]), said(12, of=[0, 1]))
    assert refs(found, neighbours=0.0, periods=0.0)[0] == "m:1"
    assert refs(found, neighbours=0.0) == ["m:12", "m:9", "m:1"]
    assert ranked(found)["m:12"].periods == (0, 1)


def test_summaries_are_ranked_by_themselves():
    found = ranked(pool(said(6, a=1), summed(2, 5, a=1)))
    assert set(found) == {"m:4", "m:5", "m:6", "m:7", "m:8", "s:2"}
    assert found["m:6"].score == pytest.approx(found["s:2"].score)
    assert (found["s:2"].first, found["s:2"].seq) == (5, 0)


def test_equal_scores_stand_in_log_order_and_k_cuts():
    found = pool(*(said(seq, a=1) for seq in (15, 3, 9)))
    assert refs(found, neighbours=0.0) == ["m:3", "m:9", "m:15"]
    assert refs(found, k=2, neighbours=0.0) == ["m:3", "m:9"]


def test_terms_are_most_telling_first():
    common = [said(seq, like=1) for seq in range(10, 18)]
    found = ranked(pool(said(1, like=2, zebra=1), *common), 1)
    assert [one.terms for one in found.values()] == [("zebra", "like")]


def test_an_empty_pool_has_no_hits():
    assert ranked(SearchPool((), 0, 0.0, {})) == {}
