"""`recall`: from a question to the best messages and summaries of a session."""

from __future__ import annotations

from collections.abc import Container, Sequence

from context_compaction.archive.base import Archive
from context_compaction.archive.records import Near, Upto, VectorModel
from context_compaction.errors import QueryError
from context_compaction.messages import Message
from context_compaction.recall.bounds import Bounds
from context_compaction.recall.distinct import distinct
from context_compaction.recall.embedded_texts import without_speakers
from context_compaction.recall.embedding import Embedding
from context_compaction.recall.hits import HitList, SearchHit
from context_compaction.recall.narrowing import narrowed
from context_compaction.recall.paging import check_count
from context_compaction.recall.query import Query
from context_compaction.recall.ranking import Ranked, around, rank, said_before
from context_compaction.recall.reading import phrases_in, reweighed
from context_compaction.recall.reasons import Reasons
from context_compaction.recall.weights import Weights
from context_compaction.view import SummaryRecord

CANDIDATES = 300
"""How many documents are ranked: on LoCoMo more found nothing more, and cost time."""
READ = 40
"""How many of them are read, if not more are asked for."""
REACH = 2
"""How many messages before and after a hit are its neighbours."""


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

    ``query`` is plain text of any length; nothing in it is syntax. Without a telling word, a quoted phrase
    or a date in it there is no hit. ``unique``: of a summary and what it stands for only the better one.
    ``within``: only messages of these numbers, and no summaries. ``bounds``: only what lies within them, of
    summaries those that stand for nothing else.
    ``before``: as if this message and what came after it had not been said, so that a stored question does
    not find itself. ``now``: when it is asked, in epoch seconds, so that "two weeks ago" is a time. ``upto``:
    what it gave at that moment. ``embedding``: what is near in meaning counts too, as far as it has vectors
    by then; if the embedder fails, words alone do. Raises `QueryError` if the query
    is no text or ``k`` is under 1.
    """
    _check(query, k)
    asked, weights = Query.of(query, now), weights or Weights()
    if not asked.words and not asked.periods:
        return HitList()
    inside = None if bounds is None else bounds.within(archive, branch)
    pool = archive.search(
        branch,
        list(asked.words),
        CANDIDATES,
        periods=asked.periods,
        ranges=None if inside is None else inside.ranges,
        upto=upto,
    )
    if before is not None:
        pool = said_before(pool, before)
    end = before if before is not None else upto.seq + 1 if upto is not None else None
    beside = [seq for seq in around(pool, weights) if end is None or seq < end]
    sittings = archive.sittings(branch, beside)
    allowed = inside if within is None else within
    most, summed = max(k, READ), within is None
    ranked = rank(pool, sittings, most, weights, within=allowed, summaries=summed)
    messages = _messages(archive, branch, ranked)
    near: list[Near] = []
    if embedding is not None and archive.keeps_vectors:
        candidates = {found.first for found in pool.documents if found.role != "summary"}.union(beside)
        question = embedding.vector(without_speakers(query, messages.values()))
        near = _near(archive, branch, question, candidates, end=end)
    if near:
        sittings |= archive.sittings(branch, {found.seq for found in near if not found.summary})
        ranked = rank(pool, sittings, most, weights, within=allowed, summaries=summed, near=near)
        messages |= _messages(archive, branch, [found for found in ranked if found.seq not in messages])
    passages = narrowed(pool, messages, asked.words, weights)
    if passages is not None:
        read = {found.first for found in ranked}
        ranked = rank(passages, sittings, most, weights, within=read, summaries=summed, near=near)
    summaries = _summaries(archive, branch, ranked)
    if inside is not None:
        ranked = [one for one in ranked if not one.summary or inside.covers(summaries[one.summary].ranges)]
    best = reweighed(ranked, messages, summaries, asked, weights)
    best = (distinct(best, summaries) if unique else best)[:k]
    reasons = Reasons(asked, pool, sittings, weights)
    beside_them = _neighbours(archive, branch, best, end)
    return HitList(
        _hit(found, asked, reasons, messages.get(found.seq) or summaries[found.summary], beside_them)
        for found in best
    )


def _check(query: object, k: object) -> None:
    if not isinstance(query, str):
        raise QueryError(f"a query is text, not {type(query).__name__}")
    check_count("k", k, "how many hits to return")


def _near(
    archive: Archive,
    branch: int,
    asked: tuple[VectorModel, Sequence[float]] | None,
    candidates: set[int],
    *,
    end: int | None,
) -> list[Near]:
    """What is nearest to the question, and how near ``candidates`` and the messages around all of it are."""
    if asked is None:
        return []
    model, vector = asked
    near = archive.nearest(branch, model, vector, CANDIDATES, beside=candidates)
    seqs = {found.seq for found in near if not found.summary}
    beside = {seq + offset for seq in seqs for offset in (-1, 1)} - seqs
    near += archive.nearest(branch, model, vector, 0, beside=beside)
    return [found for found in near if end is None or found.summary or found.seq < end]


def _hit(
    found: Ranked, query: Query, reasons: Reasons, said: Message | SummaryRecord, near: dict[int, list[int]]
) -> SearchHit:
    why = (
        *phrases_in(said.text, query),
        *(query.words[term] for term in found.terms),
        *(query.periods[place].words for place in found.periods),
    )
    return SearchHit(
        ref=f"s:{found.summary}" if found.summary else f"m:{found.seq}",
        message=said if isinstance(said, Message) else None,
        summary=said if isinstance(said, SummaryRecord) else None,
        score=found.score,
        why=tuple(dict.fromkeys(why)),
        neighbours=tuple(f"m:{number}" for number in near.get(found.seq, ())),
        reasons=reasons.of(found, said),
        similarity=found.similarity,
    )


def _messages(archive: Archive, branch: int, ranked: Sequence[Ranked]) -> dict[int, Message]:
    ranges = [(found.seq, found.seq) for found in ranked if found.seq]
    return {row.seq: row.message for row in archive.messages(branch, ranges)} if ranges else {}


def _summaries(archive: Archive, branch: int, ranked: Sequence[Ranked]) -> dict[int, SummaryRecord]:
    numbers = [found.summary for found in ranked if found.summary]
    return archive.summaries(branch, numbers) if numbers else {}


def _neighbours(
    archive: Archive, branch: int, ranked: Sequence[Ranked], end: int | None
) -> dict[int, list[int]]:
    """The messages around each hit in its sitting, before message ``end``."""
    seqs = [found.seq for found in ranked if found.seq]
    wanted = {seq + offset for seq in seqs for offset in range(-REACH, REACH + 1)}
    known = archive.sittings(branch, [seq for seq in wanted if end is None or seq < end])
    return {
        seq: [
            near
            for near in range(seq - REACH, seq + REACH + 1)
            if near != seq and near in known and known[near] == known.get(seq)
        ]
        for seq in seqs
    }
