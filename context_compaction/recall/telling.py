"""From the best candidates to hits: what they say, what is around them, whose they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from context_compaction.messages import Message
from context_compaction.recall.hits import HitList, SearchHit
from context_compaction.recall.query import Query
from context_compaction.recall.ranking import Ranked
from context_compaction.recall.reading import phrases_in
from context_compaction.recall.reasons import Reason, Reasons
from context_compaction.recall.searched import Searched
from context_compaction.view import SummaryRecord

REACH = 2
"""How many messages before and after a hit are its neighbours."""


class Texts(NamedTuple):
    """What candidates say, by the numbers of what is searched."""

    messages: Mapping[int, Message]
    summaries: Mapping[int, SummaryRecord]

    @classmethod
    def of(cls, where: Searched, ranked: Sequence[Ranked]) -> Texts:
        """Read."""
        seqs = [found.seq for found in ranked if found.seq]
        return cls(where.messages(seqs), where.summaries([one.summary for one in ranked if one.summary]))

    def with_those_of(self, where: Searched, ranked: Sequence[Ranked]) -> Texts:
        """And what these say."""
        more = Texts.of(where, [one for one in ranked if one.summary or one.seq not in self.messages])
        return Texts({**self.messages, **more.messages}, more.summaries)

    def has(self, found: Ranked) -> bool:
        """Whether it is still there: between two looks another process may have forgotten it."""
        return found.summary in self.summaries if found.summary else found.seq in self.messages

    def said(self, found: Ranked) -> Message | SummaryRecord:
        """By one of the candidates."""
        return self.summaries[found.summary] if found.summary else self.messages[found.seq]


def hits_of(where: Searched, best: Sequence[Ranked], texts: Texts, query: Query, reasons: Reasons) -> HitList:
    """The hits, in the order of ``best``."""
    near = _neighbours(where, best)
    owners = where.session_ids([found.seq or found.summary for found in best])
    hits = HitList()
    for found in best:
        said = texts.said(found)
        why = (
            *phrases_in(said.text, query),
            *(query.words[term] for term in found.terms),
            *(query.periods[place].words for place in found.periods),
        )
        hits.append(
            SearchHit(
                ref=where.reference("s" if found.summary else "m", found.seq or found.summary),
                message=said if isinstance(said, Message) else None,
                summary=where.told(said) if isinstance(said, SummaryRecord) else None,
                score=found.score,
                why=tuple(dict.fromkeys(why)),
                neighbours=tuple(where.reference("m", each) for each in near.get(found.seq, ())),
                reasons=tuple(_told(where, reason) for reason in reasons.of(found, said)),
                similarity=found.similarity,
                session_id=owners.get(found.seq or found.summary),
            )
        )
    return hits


def _told(where: Searched, reason: Reason) -> Reason:
    """A reason whose reference is as the one who asks knows it."""
    if reason.ref is None:
        return reason
    return replace(reason, ref=where.reference("m", int(reason.ref[2:])))


def _neighbours(where: Searched, ranked: Sequence[Ranked]) -> dict[int, list[int]]:
    """The messages around each hit in its sitting."""
    seqs = [found.seq for found in ranked if found.seq]
    known = where.sittings({seq + offset for seq in seqs for offset in range(-REACH, REACH + 1)})
    return {
        seq: [
            near
            for near in range(seq - REACH, seq + REACH + 1)
            if near != seq and near in known and known[near] == known.get(seq)
        ]
        for seq in seqs
    }
