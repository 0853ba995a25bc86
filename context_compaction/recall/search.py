"""`recall`: from a question to the best messages and summaries of a session, or of all of a namespace."""

from __future__ import annotations

from collections.abc import Collection, Container, Sequence
from contextlib import ExitStack

from context_compaction.archive.base import Archive
from context_compaction.archive.records import Near, Upto, VectorModel
from context_compaction.errors import QueryError
from context_compaction.recall.bounds import Bounds
from context_compaction.recall.crossing import OfNamespace
from context_compaction.recall.distinct import distinct
from context_compaction.recall.embedded_texts import without_speakers
from context_compaction.recall.embedding import Embedding
from context_compaction.recall.hits import HitList
from context_compaction.recall.narrowing import narrowed
from context_compaction.recall.paging import check_count
from context_compaction.recall.query import Query
from context_compaction.recall.ranking import Ranked, around, rank
from context_compaction.recall.reading import reweighed
from context_compaction.recall.reasons import Reasons
from context_compaction.recall.searched import OfBranch, Searched
from context_compaction.recall.telling import Texts, hits_of
from context_compaction.recall.weights import Weights

CANDIDATES = 300
"""How many documents are ranked: on LoCoMo more found nothing more, and cost time."""
READ = 40
"""How many of them are read, if not more are asked for."""


def recall(
    archive: Archive,
    branch: int,
    query: str,
    k: int = 8,
    *,
    weights: Weights | None = None,
    within: Container[int] | None = None,
    before: int | None = None,
    now: float | None = None,
    bounds: Bounds | None = None,
    upto: Upto | None = None,
    unique: bool = False,
    embedding: Embedding | None = None,
) -> HitList:
    """The ``k`` best hits of one branch and its ancestors up to the fork, best first.

    ``within``: only messages of these numbers, and no summaries. ``bounds``: only what lies within them, of
    summaries those that stand for nothing else.
    ``before``: as if this message and what came after it had not been said, so that a stored question does
    not find itself. ``upto``: what it gave at that moment. For the rest see `recall_in`.
    """
    where = OfBranch(archive, branch, within=within, before=before, bounds=bounds, upto=upto)
    summaries = within is None
    return recall_in(
        where, query, k, weights=weights, unique=unique, embedding=embedding, summaries=summaries, now=now
    )


def recall_over(
    archive: Archive,
    namespace: str,
    query: str,
    k: int = 8,
    *,
    bounds: Bounds | None = None,
    embedding: Embedding | None = None,
) -> HitList:
    """The ``k`` best hits of all sessions of a namespace, each on the branch that it is on, best first.

    Each says whose it is. ``bounds`` are times. For the rest see `recall_in`. Raises `QueryError`.
    """
    return recall_in(
        OfNamespace(archive, namespace, bounds=bounds or Bounds()), query, k, embedding=embedding
    )


def recall_in(
    where: Searched,
    query: str,
    k: int = 8,
    *,
    weights: Weights | None = None,
    unique: bool = False,
    embedding: Embedding | None = None,
    summaries: bool = True,
    now: float | None = None,
) -> HitList:
    """The ``k`` best hits of what is searched, best first.

    ``query`` is plain text of any length; nothing in it is syntax. Without a telling word, a quoted phrase
    or a date in it there is no hit. ``unique``: of a summary and what it stands for only the better one.
    ``embedding``: what is near in meaning counts too, as far as it has vectors by then; if the embedder
    fails, words alone do. ``summaries``: whether they may be hits. ``now``: when it is asked, in epoch
    seconds, so that "two weeks ago" is a time. Raises `QueryError` if the query is no text or ``k`` is
    under 1.
    """
    _check(query, k)
    asked, weights = Query.of(query, now), weights or Weights()
    if not asked.words and not asked.periods:
        return HitList()
    with ExitStack() as reading:
        reading.enter_context(where.at_once())
        pool = where.search(asked, CANDIDATES)
        sittings = where.sittings(around(pool, weights))
        most, within, near = max(k, READ), where.inside, list[Near]()
        ranked = rank(pool, sittings, most, weights, within=within, summaries=summaries)
        texts = Texts.of(where, ranked)
        if embedding is not None and where.keeps_vectors:
            candidates = {found.first for found in pool.documents if found.role != "summary"}.union(sittings)
            reading.close()  # an embedder may take long, and holds no connection meanwhile
            question = embedding.vector(without_speakers(query, texts.messages.values()))
            reading.enter_context(where.at_once())
            near = _near(where, question, candidates)
        if near:
            sittings |= where.sittings({found.seq for found in near if not found.summary})
            ranked = rank(pool, sittings, most, weights, within=within, summaries=summaries, near=near)
            texts = texts.with_those_of(where, ranked)
        passages = narrowed(pool, texts.messages, asked.words, weights)
        if passages is not None:
            within = {found.first for found in ranked}
            ranked = rank(passages, sittings, most, weights, within=within, summaries=summaries, near=near)
            texts = texts.with_those_of(where, ranked)
        best = [one for one in ranked if texts.has(one) and _lies_within(where, one, texts)]
        best = reweighed(best, texts.messages, texts.summaries, asked, weights)
        best = (distinct(best, texts.summaries) if unique else best)[:k]
        return hits_of(where, best, texts, asked, Reasons(asked, pool, sittings, weights))


def _lies_within(where: Searched, found: Ranked, texts: Texts) -> bool:
    return not found.summary or where.covers(texts.summaries[found.summary].ranges)


def _check(query: object, k: object) -> None:
    if not isinstance(query, str):
        raise QueryError(f"a query is text, not {type(query).__name__}")
    check_count("k", k, "how many hits to return")


def _near(
    where: Searched, asked: tuple[VectorModel, Sequence[float]] | None, candidates: Collection[int]
) -> list[Near]:
    """What is nearest to the question, and how near ``candidates`` and the messages around all of it are."""
    if asked is None:
        return []
    model, vector = asked
    near = where.nearest(model, vector, CANDIDATES, candidates)
    seqs = {found.seq for found in near if not found.summary}
    beside = {seq + offset for seq in seqs for offset in (-1, 1)} - seqs
    return near + where.nearest(model, vector, 0, beside)
