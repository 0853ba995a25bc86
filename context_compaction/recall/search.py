"""`recall`: from a question to the best messages and summaries of a session."""

from __future__ import annotations

from collections.abc import Sequence

from context_compaction.archive.base import Archive
from context_compaction.errors import QueryError
from context_compaction.messages import Message
from context_compaction.recall.hits import HitList, SearchHit
from context_compaction.recall.query import Query
from context_compaction.recall.ranking import Ranked, around, rank
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
    archive: Archive, branch: int, query: str, k: int = 8, *, weights: Weights | None = None
) -> HitList:
    """The ``k`` best hits of one branch and its ancestors up to the fork, best first.

    ``query`` is plain text of any length; nothing in it is syntax. Without a telling word, a quoted phrase
    or a date in it there is no hit. Raises `QueryError` if it is no text or ``k`` is under 1.
    """
    _check(query, k)
    asked, weights = Query.of(query), weights or Weights()
    if not asked.words and not asked.periods:
        return HitList()
    pool = archive.search(branch, list(asked.words), CANDIDATES, periods=asked.periods)
    sittings = archive.sittings(branch, around(pool, weights))
    ranked = rank(pool, sittings, max(k, READ), weights)
    messages, summaries = _messages(archive, branch, ranked), _summaries(archive, branch, ranked)
    best = reweighed(ranked, messages, summaries, asked, weights)[:k]
    near = _neighbours(archive, branch, best)
    return HitList(_hit(found, asked, messages, summaries, near) for found in best)


def _check(query: object, k: object) -> None:
    if not isinstance(query, str):
        raise QueryError(f"a query is text, not {type(query).__name__}")
    if not isinstance(k, int) or isinstance(k, bool) or k < 1:
        raise QueryError(f"k is how many hits to return, at least 1, not {k!r}")


def _hit(
    found: Ranked,
    query: Query,
    messages: dict[int, Message],
    summaries: dict[int, SummaryRecord],
    near: dict[int, list[int]],
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
        neighbours=tuple(f"m:{number}" for number in near.get(found.seq, ())),
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
