"""Why a hit answers: what of the question it holds itself, and what stands around it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from context_compaction.archive.records import SearchDocument, SearchPool
from context_compaction.messages import Message
from context_compaction.recall.query import Query
from context_compaction.recall.ranking import Ranked
from context_compaction.recall.reading import is_named, phrases_in
from context_compaction.recall.weights import Weights
from context_compaction.view import SummaryRecord

ReasonKind = Literal["phrase", "word", "period", "speaker", "neighbour", "sitting"]
_SAID: Mapping[ReasonKind, str] = {
    "phrase": "holds the phrase {}",
    "word": "holds {}",
    "period": "dated {}",
    "speaker": "said by {}",
    "neighbour": "beside messages with {}",
    "sitting": "said around messages with {}",
}


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that a hit has to do with the question."""

    kind: ReasonKind
    text: str
    """The question's own word, phrase or time; of a speaker the name."""
    ref: str | None = None
    """The message beside it that holds the word, for a neighbour."""


def in_words(reasons: tuple[Reason, ...]) -> str:
    """The reasons as a reader takes them: ``holds crane, berth; dated 16 June``."""
    by_kind: dict[ReasonKind, list[str]] = {}
    for reason in reasons:
        by_kind.setdefault(reason.kind, []).append(reason.text)
    return "; ".join(_SAID[kind].format(", ".join(dict.fromkeys(texts))) for kind, texts in by_kind.items())


class Reasons:
    """Tells the reasons of the hits of one search."""

    def __init__(self, query: Query, pool: SearchPool, sittings: Mapping[int, int], weights: Weights) -> None:
        self._query, self._weights = query, weights
        self._documents = {found.first: found for found in pool.documents if found.role != "summary"}
        own = {seq: found.sitting for seq, found in self._documents.items()}
        self._sittings = {**sittings, **own}
        self._holders: dict[int, set[str]] = {}
        for found in self._documents.values():
            self._holders.setdefault(found.sitting, set()).update(found.terms)

    def of(self, found: Ranked, said: Message | SummaryRecord) -> tuple[Reason, ...]:
        """What a hit holds, then what is around it, each word once."""
        query = self._query
        held = [Reason("phrase", phrase) for phrase in phrases_in(said.text, query)]
        held += [Reason("word", query.words[term]) for term in found.terms]
        held += [Reason("period", query.periods[place].words) for place in found.periods]
        if isinstance(said, Message):
            if self._weights.speaker and is_named(said, query):
                held.append(Reason("speaker", said.name or said.role))
            held += self._around(found)
        return tuple(dict.fromkeys(held))

    def _around(self, found: Ranked) -> Iterator[Reason]:
        sitting, told = self._sittings.get(found.seq), set(found.terms)
        for near in self._near(found.seq):
            if near.sitting == sitting:
                lent = [term for term in near.terms if term not in told]
                told.update(lent)
                yield from (Reason("neighbour", self._query.words[term], near.ref) for term in lent)
        if sitting is not None and self._weights.sitting:
            others = self._holders.get(sitting, set()) - told
            yield from (Reason("sitting", word) for term, word in self._query.words.items() if term in others)

    def _near(self, seq: int) -> Iterator[SearchDocument]:
        """The candidates beside a message, nearest first."""
        reach = self._weights.reach if self._weights.neighbours else 0
        for distance in range(1, reach + 1):
            for near in (seq + distance, seq - distance):
                if near in self._documents:
                    yield self._documents[near]
