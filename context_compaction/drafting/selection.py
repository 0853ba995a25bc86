"""Fitting lines into a number of tokens: a share for every section first, then whatever tells most."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from context_compaction.counting import TokenCounter
from context_compaction.drafting.ledger import ORDER, Item, Ledger
from context_compaction.drafting.lines import Key, Line
from context_compaction.schema import Section, format_sections
from context_compaction.text.facts import normalised
from context_compaction.text.scoring import terms_of

SHARES = {"goal": 0.2, "state": 0.1, "decisions": 0.1, "errors": 0.12, "open": 0.06, "timeline": 0.1}
"""Of the cap; ``artifacts`` has the rest, and all that the others leave."""
FOCUS_SHARE = 0.25
LEAST = 20
"""Tokens that a section may take however small its share: one line."""
IN_TIME = ("state", "timeline")
"""Sections that are told oldest first; in the others the most telling line is first."""
HEADING_TOKENS = 9
REFILLS = 3
MISSES = 12
"""Lines in a row that do not fit before a section is taken as full."""
SAME = 0.75
"""Share of common terms from which on a line says nothing new."""


@dataclass(slots=True)
class Selection:
    """The lines chosen so far, within ``max_tokens`` by ``counter``."""

    counter: TokenCounter
    max_tokens: int
    sections: Sequence[Section]
    spent: int = 0
    lines: list[Line] = field(default_factory=list[Line])
    lists: dict[str, list[Item]] = field(default_factory=dict[str, list[Item]])
    _terms: list[frozenset[str]] = field(default_factory=list[frozenset[str]])
    _seen: set[str] = field(default_factory=set[str])
    _facts: set[Key] = field(default_factory=set[Key])

    def fill(self, candidates: Iterable[Line]) -> None:
        """What the focus is on, then each section's best lines, up to their share of the tokens."""
        by_section: dict[str, list[Line]] = {}
        ranked = sorted(candidates, key=lambda line: (-line.weight, line.order))
        self._take([line for line in ranked if line.focused], int(FOCUS_SHARE * self.max_tokens))
        for line in ranked:
            by_section.setdefault(line.section, []).append(line)
        for section, share in SHARES.items():
            self._take(by_section.get(section, []), max(LEAST, int(share * self.max_tokens)))

    def fill_lists(self, ledger: Ledger) -> None:
        """Exact values that no chosen line carries, until the tokens are used up."""
        misses = 0
        for item in ledger.ranked(line.text for line in self.lines):
            cost = self.counter.text(f", {item.value}") + (0 if item.label in self.lists else 12)
            if self.spent + cost > self.max_tokens:
                misses += 1
                if misses > MISSES:
                    return
                continue
            self.spent += cost
            self.lists.setdefault(item.label, []).append(item)

    def fill_rest(self, candidates: Iterable[Line]) -> None:
        """Whatever tells most for its length, until the text itself is as long as it may be."""
        for _ in range(REFILLS):
            before = len(self.lines)
            self.spent = self.counter.text(self._composed())
            rest = sorted(candidates, key=lambda line: (-self._worth(line), line.order))
            self._take(rest, self.max_tokens - self.spent)
            if len(self.lines) == before:
                return

    def text(self) -> str:
        """The sectioned text of what was chosen, in at most ``max_tokens``; empty when nothing fits."""
        while self.lines or self.lists:
            text = self._composed()
            if self.counter.text(text) <= self.max_tokens:
                return text
            self._drop()
        return ""

    def _composed(self) -> str:
        return format_sections(self._bodies(), self.sections)

    def _worth(self, line: Line) -> float:
        new = len(line.facts - self._facts)
        return (line.weight + 2 * new) / (40 + len(line.text))

    def _take(self, lines: Iterable[Line], room: int) -> None:
        misses = 0
        for line in lines:
            if self._repeats(line):
                continue
            cost = self.counter.text(line.written(line.date and line.date[:10])) + 1
            if cost > room or self.spent + cost > self.max_tokens:
                misses += 1
                if misses > MISSES:
                    return
                continue
            room -= cost
            self._add(line, cost)

    def _repeats(self, line: Line) -> bool:
        if normalised(line.text) in self._seen:
            return True
        terms = terms_of(line.text)
        if line.facts - self._facts:
            return False
        return any(len(terms & other) > SAME * max(len(terms), 1) for other in self._terms)

    def _add(self, line: Line, cost: int) -> None:
        if all(other.section != line.section for other in self.lines):
            cost += HEADING_TOKENS
        self.spent += cost
        self.lines.append(line)
        self._seen.add(normalised(line.text))
        self._terms.append(terms_of(line.text))
        self._facts |= line.facts

    def _drop(self) -> None:
        """Let the least telling thing go: list items first."""
        if self.lists:
            label = max(self.lists, key=lambda label: len(self.lists[label]))
            self.lists[label].pop()
            if not self.lists[label]:
                del self.lists[label]
        else:
            self.lines.remove(min(self.lines, key=lambda line: line.weight))

    def _bodies(self) -> dict[str, str]:
        bodies: dict[str, list[str]] = {}
        day = None
        for line in sorted(self.lines, key=_position):
            shown = line.date[:10] if line.section == "timeline" and line.date else None
            bodies.setdefault(self._home(line.section), []).append(
                line.written(shown if shown != day else None)
            )
            day = shown or day
        for label in ORDER:
            if label in self.lists:
                bodies.setdefault(self._home("artifacts"), []).append(_listed(label, self.lists[label]))
        return {key: "\n".join(lines) for key, lines in bodies.items()}

    def _home(self, key: str) -> str:
        """The section of that key; where there is none, the first for goals and the last for all else."""
        if any(section.key == key for section in self.sections):
            return key
        return self.sections[0 if key == "goal" else -1].key


def _position(line: Line) -> tuple[float, int]:
    return (0.0, line.order) if line.section in IN_TIME else (-line.weight, line.order)


def _listed(label: str, items: Sequence[Item]) -> str:
    """One line of values, and between which messages they stand."""
    numbers = sorted(
        int(item.ref[2:]) for item in items if item.ref.startswith("m:") and item.ref[2:].isdigit()
    )
    ref = ""
    if numbers:
        ref = f" [m:{numbers[0]}]" if numbers[0] == numbers[-1] else f" [m:{numbers[0]}-m:{numbers[-1]}]"
    return f"- {label}: {', '.join(item.value for item in items)}{ref}"
