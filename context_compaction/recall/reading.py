"""What only the message itself tells: who says it, whether it asks, and whether it holds a phrase.

The index knows words, not these. So the best candidates are read and weighed once more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from context_compaction.messages import Message
from context_compaction.recall.query import Query, plain
from context_compaction.recall.ranking import Ranked
from context_compaction.recall.weights import Weights
from context_compaction.text.terms import terms_of
from context_compaction.view import SummaryRecord

_ASKS = ("?", "\uff1f", "\u061f")


def reweighed(
    ranked: Iterable[Ranked],
    messages: Mapping[int, Message],
    summaries: Mapping[int, SummaryRecord],
    query: Query,
    weights: Weights,
) -> list[Ranked]:
    """The candidates by their scores after reading, best first; equal ones in log order."""
    weighed = [
        replace(
            found,
            score=found.score
            * (
                _of_summary(summaries[found.summary], query, weights)
                if found.summary
                else _of_message(messages[found.seq], query, weights)
            ),
        )
        for found in ranked
    ]
    return sorted(weighed, key=lambda found: (-found.score, found.first, -found.summary))


def phrases_in(text: str, query: Query) -> list[str]:
    """Which of the query's phrases a text holds, whatever the case and the marks between their words."""
    if not query.phrases:
        return []
    words = f" {plain(text)} "
    return [phrase for phrase in query.phrases if f" {phrase} " in words]


def _of_summary(summary: SummaryRecord, query: Query, weights: Weights) -> float:
    return weights.roles.get("summary", 1.0) * (1 + weights.phrase * len(phrases_in(summary.text, query)))


def _of_message(message: Message, query: Query, weights: Weights) -> float:
    factor = weights.roles.get(message.role, 1.0)
    if weights.speaker and is_named(message, query):
        factor *= 1 + weights.speaker
    if message.name and message.text.rstrip().endswith(_ASKS):
        factor *= weights.asking
    return factor * (1 + weights.phrase * len(phrases_in(message.text, query)))


def is_named(message: Message, query: Query) -> bool:
    """Whether the query names who says it; who has no name is called by the role."""
    return not query.words.keys().isdisjoint(terms_of(message.name or message.role))
