"""`recall`: from a question to the best messages and summaries of a session."""

from __future__ import annotations

from collections.abc import Container, Sequence

from context_compaction.archive.base import Archive
from context_compaction.archive.records import Near, VectorModel
from context_compaction.errors import QueryError
from context_compaction.messages import Message
from context_compaction.recall.embedded_texts import without_speakers
from context_compaction.recall.embedding import Embedding
from context_compaction.recall.hits import SearchHit
from context_compaction.recall.query import Query
from context_compaction.recall.ranking import Ranked, around, rank, said_before
from context_compaction.recall.reading import phrases_in, reweighed
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
    embedding: Embedding | None = None,
) -> list[SearchHit]:
    """The ``k`` best hits of one branch and its ancestors up to the fork, best first.

    ``query`` is plain text of any length; nothing in it is syntax. Without a telling word, a quoted phrase
    or a date in it there is no hit. ``within``: only messages of these numbers, and no summaries.
    ``before``: as if this message and what came after it had not been said, so that a stored question does
    not find itself. ``embedding``: what is near in meaning counts too, as far as it has vectors by then; if
    the embedder fails, words alone do. Raises `QueryError` if it is no text or ``k`` is under 1.
    """
    _check(query, k)
    asked, weights = Query.of(query), weights or Weights()
    if not asked.words and not asked.periods:
        return []
    pool = archive.search(branch, list(asked.words), CANDIDATES, periods=asked.periods)
    if before is not None:
        pool = said_before(pool, before)
    beside = [seq for seq in around(pool, weights) if before is None or seq < before]
    sittings = archive.sittings(branch, beside)
    ranked = rank(pool, sittings, max(k, READ), weights, within=within)
    messages, summaries = _messages(archive, branch, ranked), _summaries(archive, branch, ranked)
    near: list[Near] = []
    if embedding is not None and archive.keeps_vectors:
        candidates = {found.first for found in pool.documents if found.role != "summary"}.union(beside)
        question = without_speakers(query, messages.values())
        near = _near(archive, branch, embedding.vector(question), candidates, before=before)
    if near:
        sittings |= archive.sittings(branch, {found.seq for found in near if not found.summary})
        ranked = rank(pool, sittings, max(k, READ), weights, within=within, near=near)
        messages |= _messages(archive, branch, [found for found in ranked if found.seq not in messages])
        summaries = _summaries(archive, branch, ranked)
    best = reweighed(ranked, messages, summaries, asked, weights)[:k]
    neighbours = _neighbours(archive, branch, best)
    return [_hit(found, asked, messages, summaries, neighbours) for found in best]


def _check(query: object, k: object) -> None:
    if not isinstance(query, str):
        raise QueryError(f"a query is text, not {type(query).__name__}")
    if not isinstance(k, int) or isinstance(k, bool) or k < 1:
        raise QueryError(f"k is how many hits to return, at least 1, not {k!r}")


def _near(
    archive: Archive,
    branch: int,
    asked: tuple[VectorModel, Sequence[float]] | None,
    candidates: set[int],
    *,
    before: int | None,
) -> list[Near]:
    """What is nearest to the question, and how near ``candidates`` and the messages around all of it are."""
    if asked is None:
        return []
    model, vector = asked
    near = archive.nearest(branch, model, vector, CANDIDATES, beside=candidates)
    seqs = {found.seq for found in near if not found.summary}
    beside = {seq + offset for seq in seqs for offset in range(-REACH, REACH + 1)} - seqs
    near += archive.nearest(branch, model, vector, 0, beside=beside)
    return [found for found in near if before is None or found.summary or found.seq < before]


def _hit(
    found: Ranked,
    query: Query,
    messages: dict[int, Message],
    summaries: dict[int, SummaryRecord],
    neighbours: dict[int, list[int]],
) -> SearchHit:
    summary = summaries[found.summary] if found.summary else None
    message = None if found.summary else messages[found.seq]
    text = summary.text if summary is not None else messages[found.seq].text
    why = (
        *phrases_in(text, query),
        *(query.words[term] for term in found.terms),
        *(query.periods[place].words for place in found.periods),
    )
    return SearchHit(
        ref=f"s:{found.summary}" if found.summary else f"m:{found.seq}",
        message=message,
        summary=summary,
        score=found.score,
        why=tuple(dict.fromkeys(why)),
        neighbours=tuple(f"m:{number}" for number in neighbours.get(found.seq, ())),
        similarity=found.similarity,
    )


def _messages(archive: Archive, branch: int, ranked: Sequence[Ranked]) -> dict[int, Message]:
    ranges = [(found.seq, found.seq) for found in ranked if found.seq]
    return {row.seq: row.message for row in archive.messages(branch, ranges)} if ranges else {}


def _summaries(archive: Archive, branch: int, ranked: Sequence[Ranked]) -> dict[int, SummaryRecord]:
    numbers = [found.summary for found in ranked if found.summary]
    return archive.summaries(branch, numbers) if numbers else {}


def _neighbours(archive: Archive, branch: int, ranked: Sequence[Ranked]) -> dict[int, list[int]]:
    """The messages around each hit in its sitting."""
    seqs = [found.seq for found in ranked if found.seq]
    known = archive.sittings(branch, {seq + offset for seq in seqs for offset in range(-REACH, REACH + 1)})
    return {
        seq: [
            near
            for near in range(seq - REACH, seq + REACH + 1)
            if near != seq and near in known and known[near] == known.get(seq)
        ]
        for seq in seqs
    }
