"""A long message counts by its best passage: one of many lines holds every word of a question somewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from context_compaction.archive.records import SearchDocument, SearchPool
from context_compaction.messages import Message, quotable
from context_compaction.recall.passages import LINE, occurrences
from context_compaction.recall.ranking import rarity, saturated
from context_compaction.recall.weights import Weights

LONG = 600
"""Characters up to which a message is one passage."""


def narrowed(
    pool: SearchPool, messages: Mapping[int, Message], words: Mapping[str, str], weights: Weights
) -> SearchPool | None:
    """The pool with each long one of ``messages`` as the `LINE` characters that tell most.

    ``words``: the question's terms, each with the word that gave it. They hold a share of what stands right
    around them; a term that stands elsewhere in the message counts 0 times. The mean length is then that of
    ``messages``. None where none of them is long.
    """
    if not weights.passages:
        return None
    rarities = {
        term: weights.of_term(term) * rarity(held, pool.total) for term, held in pool.frequencies.items()
    }
    documents, lengths = list(pool.documents), list[int]()
    for place, document in enumerate(documents):
        message = None if document.role == "summary" else messages.get(document.first)
        if message is None:
            continue
        text = quotable(message)
        if len(text) > LONG:
            documents[place] = _narrowed(document, text, words, rarities, weights)
        lengths.append(documents[place].length)
    if documents == list(pool.documents):
        return None
    return replace(pool, documents=documents, mean_length=sum(lengths) / len(lengths))


def _narrowed(
    document: SearchDocument,
    text: str,
    words: Mapping[str, str],
    rarities: Mapping[str, float],
    weights: Weights,
) -> SearchDocument:
    held = {
        term: _held(Counter(place // LINE for place in places), weights)
        for term, places in occurrences(text, {term: words[term] for term in document.terms})
    }
    gains: dict[int, float] = {}
    for term, passages in held.items():
        for passage, count in passages.items():
            gained = rarities[term] * saturated(count, weights.saturation)
            gains[passage] = gains.get(passage, 0.0) + gained
    if not gains:
        return document
    best = max(gains, key=lambda passage: (gains[passage], -passage))
    counts = {term: passages.get(best, 0.0) for term, passages in held.items()}
    return document._replace(terms=counts, length=document.length * LINE // len(text))


def _held(own: Mapping[int, int], weights: Weights) -> dict[int, float]:
    """How much of a term passages hold: those where it stands, and with less weight those around them."""
    held: dict[int, float] = {}
    for passage, count in own.items():
        for offset, share in weights.lent():
            held[passage + offset] = held.get(passage + offset, 0.0) + share * count
    return held
