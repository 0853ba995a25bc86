"""Which hard facts of passages tell most: the order in which a gate lists them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from context_compaction.drafting.base import Passage
from context_compaction.schema import parse_sections
from context_compaction.text.facts import Fact, FactKind, hard_facts, spelled_facts
from context_compaction.text.intent import is_rule
from context_compaction.text.verbatim import listable, split_block

KINDS: dict[FactKind, float] = {
    "instruction": 3.0,
    "decision": 3.0,
    "error": 2.5,
    "path": 2.0,
    "identifier": 2.0,
    "url": 1.5,
    "quantity": 1.5,
    "date": 1.5,
    "quote": 1.0,
}
ROLES = {"user": 1.5, "tool": 0.7}
"""By who said it; 1 for everybody else."""
RECENT = 0.5
"""What the newest passage adds to a fact's worth."""
REPEATED = 0.25
"""What each doubling of the passages that name it adds."""
BRIEF, CHARACTERS = 0.6, 12
"""A fact's worth is divided by this power of its characters, these many more counted for its place: two short
values before a long one that is worth as much (record 16 has what was measured)."""
_REF = re.compile(r" {0,4}\[[ms]:[\d:ms-]{1,40}\] {0,4}$")


@dataclass(slots=True)
class _Seen:
    """A fact, and how it stood in the passages."""

    fact: Fact
    worth: float = 0.0
    """The most that a passage gave it."""
    count: int = 0
    """Passages that name it."""
    last: float = 0.0
    """Where the last of them stands, up to 1."""

    @property
    def rank(self) -> float:
        worth = self.worth * (1 + RECENT * self.last) * (1 + REPEATED * math.log2(self.count))
        return worth / (CHARACTERS + len(self.fact.value)) ** BRIEF


def telling_facts(passages: Sequence[Passage]) -> list[Fact]:
    """The distinct hard facts that a block can list as they are spelled, most telling first.

    The user's instructions and decisions first, then errors, names, quantities, dates and quotes; said by the
    user, late and often counts, length counts against. Of an earlier summary its listed facts are taken too,
    and the rules that it has under its goal.
    """
    seen: dict[tuple[str, str], _Seen] = {}
    for number, passage in enumerate(passages, 1):
        for fact in _facts_of(passage):
            if listable(fact):
                each = seen.setdefault(fact.key, _Seen(fact))
                each.worth = max(each.worth, KINDS[fact.kind] * ROLES.get(passage.role, 1.0))
                each.count += 1
                each.last = number / len(passages)
    return [each.fact for each in sorted(seen.values(), key=lambda each: -each.rank)]


def _facts_of(passage: Passage) -> tuple[Fact, ...]:
    """Those that stand in the passage as they are spelled."""
    if passage.role != "summary":
        return spelled_facts(passage.text, role=passage.role)
    body, listed = split_block(passage.text)
    goal = parse_sections(body).get("goal", "").splitlines()
    rules = (Fact("instruction", _REF.sub("", line.removeprefix("- "))) for line in goal if is_rule(line))
    facts = {fact.key: fact for fact in (*listed, *rules, *hard_facts(passage.text))}.values()
    return tuple(fact for fact in facts if fact.value in passage.text)
