"""`recall`: from a question to the best messages and summaries of a session."""

from __future__ import annotations

from collections.abc import Container, Sequence

from context_compaction.archive.base import Archive
from context_compaction.errors import QueryError
from context_compaction.messages import Message
from context_compaction.recall.hits import SearchHit
from context_compaction.recall.ranking import Ranked, Weights, rank
from context_compaction.text.terms import query_words
from context_compaction.view import SummaryRecord


def recall(
    archive: Archive,
    branch: int,
    query: str,
    k: int = 8,
    *,
    weights: Weights | None = None,
    within: Container[int] | None = None,
) -> list[SearchHit]:
    """The ``k`` best hits of one branch and its ancestors up to the fork, best first.

    ``within``: only messages of these numbers, and no summaries.

    ``query`` is plain text of any length; nothing in it is syntax. Without a telling word in it there is no
    hit. Raises `QueryError` if it is no text or ``k`` is under 1.
    """
    _check(query, k)
    words = query_words(query)
    if not words:
        return []
    ranked = rank(archive.search(branch, list(words)), k, weights, within=within)
    messages = _messages(archive, branch, ranked)
    summaries = _summaries(archive, branch, ranked)
    return [_hit(found, words, messages, summaries) for found in ranked]


def _check(query: object, k: object) -> None:
    if not isinstance(query, str):
        raise QueryError(f"a query is text, not {type(query).__name__}")
    if not isinstance(k, int) or isinstance(k, bool) or k < 1:
        raise QueryError(f"k is how many hits to return, at least 1, not {k!r}")


def _hit(
    found: Ranked, words: dict[str, str], messages: dict[int, Message], summaries: dict[int, SummaryRecord]
) -> SearchHit:
    is_summary = found.ref.startswith("s:")
    return SearchHit(
        ref=found.ref,
        message=None if is_summary else messages[found.seq],
        summary=summaries[_number(found)] if is_summary else None,
        score=found.score,
        why=tuple(dict.fromkeys(words[term] for term in found.terms)),
        neighbours=tuple(f"m:{number}" for number in found.neighbours),
    )


def _messages(archive: Archive, branch: int, ranked: Sequence[Ranked]) -> dict[int, Message]:
    ranges = [(found.seq, found.seq) for found in ranked if found.ref.startswith("m:")]
    return {row.seq: row.message for row in archive.messages(branch, ranges)} if ranges else {}


def _summaries(archive: Archive, branch: int, ranked: Sequence[Ranked]) -> dict[int, SummaryRecord]:
    numbers = [_number(found) for found in ranked if found.ref.startswith("s:")]
    return archive.summaries(branch, numbers) if numbers else {}


def _number(found: Ranked) -> int:
    return int(found.ref[2:])
