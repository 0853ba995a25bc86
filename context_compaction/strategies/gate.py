"""The fidelity gate: hard facts of what leaves that nothing else carries are listed behind the draft."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from context_compaction.counting import TokenCounter
from context_compaction.drafting.base import Passage
from context_compaction.text.facts import Fact, hard_facts, missing, normalised, occurs
from context_compaction.text.verbatim import HEADING, LABELS, SENTENCES, block_text, listable, split_block

FACTS_SHARE = 0.25
KINDS = {
    "instruction": 3.0, "decision": 3.0, "error": 2.5, "path": 2.0, "identifier": 2.0, "url": 1.5,
    "quantity": 1.5, "date": 1.5, "quote": 1.0,
}
ROLES = {"user": 1.5, "assistant": 1.0, "tool": 0.7}
REPEATED, RECENT, LENGTH = 0.5, 1.0, 0.5
LABEL_TOKENS = 5
MISSES = 12


@dataclass(slots=True)
class _Seen:
    fact: Fact
    worth: float
    count: int = 1
    last: float = 0.0


def telling(passages: Sequence[Passage]) -> list[Fact]:
    seen: dict[tuple[str, str], _Seen] = {}
    for index, passage in enumerate(passages):
        for fact in facts_of(passage):
            if not listable(fact) or fact.value not in passage.text:
                continue
            worth = KINDS[fact.kind] * ROLES.get(passage.role, 1.0)
            known = seen.setdefault(fact.key, _Seen(fact, worth, 0))
            known.worth = max(known.worth, worth)
            known.count += 1
            known.last = (index + 1) / len(passages)
    def rank(each: _Seen) -> float:
        worth = each.worth * (1 + RECENT * each.last) * (1 + REPEATED * math.log2(each.count))
        return worth / (12 + len(each.fact.value)) ** LENGTH
    return [each.fact for each in sorted(seen.values(), key=lambda each: -rank(each))]


def facts_of(passage: Passage) -> tuple[Fact, ...]:
    if passage.role != "summary":
        return hard_facts(passage.text, role=passage.role)
    body, listed = split_block(passage.text)
    return (*listed, *hard_facts(body))


@dataclass(frozen=True, slots=True)
class Gate:
    facts: tuple[Fact, ...]
    counter: TokenCounter
    cap: int
    share: float

    @classmethod
    def of(cls, passages, elsewhere, counter, cap, share=None):
        share = FACTS_SHARE if share is None else share
        facts = missing(telling(passages), elsewhere) if share else []
        return cls(tuple(facts), counter, cap, share)

    @property
    def asked(self) -> int:
        whole = self.counter.text(block_text(self.facts)) if self.facts else 0
        return self.cap - min(int(self.share * self.cap), whole)

    def closed(self, draft: str) -> str:
        if not self.facts:
            return draft
        body, _ = split_block(draft)
        room = self.cap - self.counter.text(body)
        chosen = self._fitting(missing(self.facts, [body]), room)
        while chosen:
            text = f"{body}\n{block_text(chosen)}"
            if self.counter.text(text) <= self.cap:
                return text
            chosen.pop()
        return body

    def _fitting(self, facts: Sequence[Fact], room: int) -> list[Fact]:
        spent, misses = self.counter.text(HEADING) + 1, 0
        chosen: list[Fact] = []
        labels: set[str] = set()
        whole = ""
        for fact in facts:
            value = normalised(fact.value)
            if occurs(value, whole):
                continue
            new = fact.kind in SENTENCES or fact.kind not in labels
            cost = self.counter.text(f"; {fact.value}") + (LABEL_TOKENS if new else 0)
            if spent + cost > room:
                misses += 1
                if misses > MISSES:
                    break
                continue
            spent += cost
            labels.add(fact.kind)
            chosen.append(fact)
            whole += f" {value} ;"
        return chosen
