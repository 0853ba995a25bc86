"""Summaries as candidates again: their lines by section, their lists of exact values taken apart."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from context_compaction.drafting.base import Passage
from context_compaction.drafting.ledger import ORDER, Ledger
from context_compaction.drafting.lines import Line, one_line
from context_compaction.schema import Section, parse_sections
from context_compaction.text.facts import hard_facts

REF = re.compile(r"\s{0,4}\[((?:m|s):\d+(?:-(?:m|s):\d+)?)\]\s{0,4}$")
"""The reference at the end of a line."""
_LABEL = re.compile(rf"^[-*] ({'|'.join(ORDER)}): (.+)$")
_DATE = re.compile(r"^(\d{4}-\d{2}-\d{2}) ")
_WEIGHTS = {"goal": 3.0, "decisions": 2.0, "errors": 1.5, "open": 1.0, "artifacts": 1.5}
MAX_LINE = 400
"""Characters of a line that is taken over."""
_OLD_STATE = "timeline"


def summary_lines(passages: Sequence[Passage], sections: Sequence[Section], ledger: Ledger) -> list[Line]:
    """The lines of the summaries among the passages; lists of values go to ``ledger`` instead.

    The newer a summary, the more its lines weigh; what was the current state of an older one is history.
    """
    lists = "artifacts" if any(section.key == "artifacts" for section in sections) else sections[-1].key
    numbered = [(index, passage) for index, passage in enumerate(passages) if passage.role == "summary"]
    out: list[Line] = []
    for position, (index, passage) in enumerate(numbered, start=1):
        source = _Source(passage, index, position / len(numbered), ledger)
        known = parse_sections(passage.text, sections)
        # Text in another form counts as the state that it describes.
        for key, body in (known or {"state": passage.text}).items():
            old = key == "state" and position < len(numbered)
            out.extend(source.lines(_OLD_STATE if old else key, body, lists=key == lists or not known))
    return out


@dataclass(frozen=True, slots=True)
class _Source:
    """One summary among the passages."""

    passage: Passage
    index: int
    recency: float
    """From just over 0 to 1 for the newest."""
    ledger: Ledger

    def lines(self, section: str, body: str, *, lists: bool) -> Iterator[Line]:
        """The lines of a section. In the one with the lists of values those go to the ledger."""
        for raw in body.splitlines():
            ref = found.group(1) if (found := REF.search(raw)) else self.passage.ref
            text = REF.sub("", raw).strip()
            if lists and (listed := _LABEL.match(text)):
                for value in listed.group(2).split(", "):
                    self.ledger.add(listed.group(1), value, ref, 1.0 + self.recency)
            elif text:
                yield self._line(section, one_line(text, MAX_LINE), ref)

    def _line(self, section: str, text: str, ref: str) -> Line:
        facts = frozenset(fact.key for fact in hard_facts(text))
        date = found.group(1) if (found := _DATE.match(text)) else None
        weight = _WEIGHTS.get(section, 0.5) + self.recency + min(3.0, 0.5 * len(facts))
        return Line(section, text[11:] if date else text, ref, weight, self.index, facts, date)
