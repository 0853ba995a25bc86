"""Marked facts: the sentences of the made-up language that belong into a summary.

A word says to which section a fact belongs, a number which one it is: people who keep minutes count like
that. It is also what makes the language learnable for so small a model: the fact after ``Decision 4`` is
``Decision 5``, wherever that stands. The package's own text code takes a fact for what it is marked as: a
goal is a rule or a request of the user's, a decision a decision.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

from context_compaction.schema import SECTIONS
from training.tiny.words import filled

MARKS = {
    "goal": "Rule",
    "state": "Status",
    "decisions": "Decision",
    "artifacts": "Change",
    "errors": "Error",
    "open": "Todo",
    "timeline": "Event",
}
FORMS: dict[str, tuple[str, ...]] = {
    "goal": (
        "always {act} the {topic} on {day}.",
        "never {act} the {topic} before {day}.",
        "from now on the {topic} is for {name}.",
        "please {act} the {topic} for {name}.",
    ),
    "state": (
        "the {topic} is {state}.",
        "{number} parts of the {topic} are {state}.",
    ),
    "decisions": (
        "the {topic} is {value}.",
        "{name} gets the {topic}.",
    ),
    "artifacts": (
        "{path} has the {topic} now.",
        "{path} is new, for the {topic}.",
        "the {topic} is at {value}.",
    ),
    "errors": (
        "the {topic} failed with code {number}.",
        "no {topic} in {path}.",
        "fixed, the {topic} needed {value}.",
    ),
    "open": (
        "ask {name} about the {topic}.",
        "{act} the {topic} in {path}.",
        "find out which {topic} {name} wants.",
    ),
    "timeline": (
        "on {date} {name} {done} the {topic}.",
        "on {date} the {topic} was {state}.",
    ),
}
SAID_BY: dict[str, tuple[str, ...]] = {
    "user": ("goal", "goal", "decisions", "open", "timeline"),
    "assistant": ("state", "decisions", "artifacts", "errors", "open", "timeline"),
    "tool": ("errors",),
}
"""Sections that a role speaks of."""
COUNTED = 9
"""Facts are numbered from 1 to this, and from 1 again."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One marked sentence."""

    section: str
    number: int
    form: str
    topic: str
    text: str

    @classmethod
    def made(cls, rng: Random, section: str, number: int, form: str, topic: str) -> Fact:
        """With values of its own."""
        return cls(section, number, form, topic, f"{MARKS[section]} {number}: {filled(rng, form, topic)}")

    def changed(self, rng: Random) -> Fact:
        """The same with other values."""
        return Fact.made(rng, self.section, self.number, self.form, self.topic)


class Minutes:
    """Counts the facts of a conversation, section by section, from anywhere on."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.last = {section: rng.randint(1, COUNTED) for section in MARKS}

    def fact(self, role: str, topic: str) -> Fact:
        """The next one that this role tells, about ``topic``."""
        section = self.rng.choice(SAID_BY[role])
        self.last[section] = self.last[section] % COUNTED + 1
        form = self.rng.choice(FORMS[section])
        return Fact.made(self.rng, section, self.last[section], form, topic)


def answers(facts: Iterable[Fact]) -> dict[str, str]:
    """What is to be written for each section: a line a fact, in order.

    Of facts with one number the last one holds, where the first one stood.
    """
    lines: dict[str, dict[int, str]] = {section.key: {} for section in SECTIONS}
    for each in facts:
        lines[each.section][each.number] = f"- {each.text}"
    return {section: "\n".join(found.values()) for section, found in lines.items() if found}
