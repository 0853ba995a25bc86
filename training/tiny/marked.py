"""Marked facts: the sentences of the made-up language that belong into a summary.

How a fact begins says to which section it belongs, and the package's own text code takes it for the same: a
goal is a rule or a request of the user's, a decision a decision.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

from context_compaction.schema import SECTIONS
from training.tiny.words import filled

FORMS: dict[str, tuple[str, ...]] = {
    "goal": (
        "Always {act} the {topic} on {day}.",
        "Never {act} the {topic} before {day}.",
        "From now on the {topic} is for {name}.",
        "Please {act} the {topic} for {name}.",
    ),
    "state": (
        "Status: the {topic} is {state}.",
        "Status: {number} parts of the {topic} are {state}.",
    ),
    "decisions": (
        "Decision: the {topic} is {value}.",
        "Decision: {name} gets the {topic}.",
        "Agreed: the {topic} is {value}.",
    ),
    "artifacts": (
        "Changed: {path} has the {topic} now.",
        "Created: {path} for the {topic}.",
        "Value: the {topic} is {value}.",
    ),
    "errors": (
        "ERROR: the {topic} failed with code {number}.",
        "ERROR: no {topic} in {path}.",
        "Fixed: the {topic} needed {value}.",
    ),
    "open": (
        "Todo: ask {name} about the {topic}.",
        "Todo: {act} the {topic} in {path}.",
        "Still open: which {topic} does {name} want?",
    ),
    "timeline": (
        "On {date} {name} {done} the {topic}.",
        "On {date} the {topic} was {state}.",
    ),
}
SAID_BY: dict[str, tuple[str, ...]] = {
    "user": ("goal", "goal", "decisions", "open", "timeline"),
    "assistant": ("state", "decisions", "artifacts", "fixed", "open", "timeline"),
    "tool": ("failed",),
}
"""Sections that a role speaks of; a repair is told by the assistant, a failure shows in a tool's output."""
_PARTS = {"fixed": ("errors", FORMS["errors"][2:]), "failed": ("errors", FORMS["errors"][:2])}


@dataclass(frozen=True, slots=True)
class Fact:
    """One marked sentence."""

    section: str
    form: str
    topic: str
    text: str

    @property
    def key(self) -> tuple[str, str]:
        """What it is about: of two facts with one key the later holds."""
        return self.form, self.topic

    def changed(self, rng: Random) -> Fact:
        """The same with other values."""
        return Fact(self.section, self.form, self.topic, filled(rng, self.form, self.topic))


def fact(rng: Random, role: str, topic: str) -> Fact:
    """Something about ``topic`` that this role would say."""
    kind = rng.choice(SAID_BY[role])
    section, forms = _PARTS.get(kind) or (kind, FORMS[kind])
    form = rng.choice(forms)
    return Fact(section, form, topic, filled(rng, form, topic))


def answers(facts: Iterable[Fact]) -> dict[str, str]:
    """What is to be written for each section: a line a fact, in order.

    Of facts with one key the last one holds, where the first one stood.
    """
    lines: dict[str, dict[tuple[str, str], str]] = {section.key: {} for section in SECTIONS}
    for each in facts:
        lines[each.section][each.key] = f"- {each.text}"
    return {section: "\n".join(found.values()) for section, found in lines.items() if found}
