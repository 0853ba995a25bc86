"""`Line`: one candidate for an extractive summary, and the ones that a passage offers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from context_compaction.drafting.base import Passage
from context_compaction.drafting.markers import label
from context_compaction.text.clipping import clipped
from context_compaction.text.facts import error_facts, hard_facts
from context_compaction.text.intent import (
    is_decision,
    is_failure,
    is_fix,
    is_open,
    is_order,
    is_request,
    is_rule,
)
from context_compaction.text.quotations import unquoted
from context_compaction.text.scoring import density, rare_terms, terms_of
from context_compaction.text.sentences import is_prose, sentences

MAX_LINE = 300
"""Characters of a quoted sentence."""
MAX_READ = 4000
"""Characters looked at in one passage: head and tail of a longer one."""
MAX_OUTPUT_ERRORS = 3
"""Error lines taken from one tool's output."""
FULL_TERMS = 8
"""Terms from which on a sentence says something of its own."""
CALL = re.compile(r"^[\w.:-]{1,64}\(\{.*", re.MULTILINE)
"""A line that asks for a tool, as `passage_of` writes it."""

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Line:
    """One line that could stand in a summary."""

    section: str
    """Key of the section it belongs to."""
    text: str
    """On one line, without list mark and reference."""
    ref: str
    weight: float
    """How telling it is; larger goes first."""
    order: int
    """Position of its passage: where it stands in time."""
    facts: frozenset[Key] = frozenset()
    date: str | None = None
    speaker: str | None = None
    focused: bool = False
    """Whether it is about what the caller wants kept above all."""

    def written(self, date: str | None = None) -> str:
        """As it stands in the summary, after ``date`` if that is given."""
        speaker = f"{self.speaker}: " if self.speaker else ""
        ref = f" [{self.ref}]" if self.ref else ""
        return f"- {date + ' ' if date else ''}{speaker}{self.text}{ref}"


def lines_of(passages: tuple[Passage, ...], focus: str | None = None) -> list[Line]:
    """The candidates of messages, in log order, weighted among each other."""
    talk = [_Talk(index, passage) for index, passage in enumerate(passages) if passage.role != "summary"]
    rare = rare_terms([terms_of(each.prose) for each in talk])
    wanted = terms_of(focus or "")
    last = max(1, len(passages) - 1)
    asked = next((each.index for each in talk if each.passage.role == "user"), -1)
    found: list[Line] = []
    failed = False
    for each in talk:
        for line in each.lines(first=each.index == asked, after_failure=failed):
            words = terms_of(line.text)
            weight = (
                line.weight + density(words, rare) * min(1.0, len(words) / FULL_TERMS) + each.index / last
            )
            found.append(_weighted(line, weight, focused=2 * len(words & wanted) >= max(1, len(wanted))))
        failed = each.failed
    return [*found, *_state(talk)]


@dataclass(frozen=True, slots=True)
class _Talk:
    """A message among the passages."""

    index: int
    passage: Passage

    @property
    def prose(self) -> str:
        """Its words: calls left out, of long ones head and tail."""
        return CALL.sub("", clipped(self.passage.text, MAX_READ))

    @property
    def failed(self) -> bool:
        return self.passage.role == "tool" and (self.passage.is_error or any(self._errors()))

    def lines(self, *, first: bool, after_failure: bool) -> Iterator[Line]:
        """Its candidates. Tool output offers errors only: what it says is no wish and no decision."""
        yield from (self.line("errors", error, 1.5) for error in self._errors())
        if self.passage.role == "tool":
            return
        for position, (sentence, quoted) in enumerate(self.said()):
            if len(sentence) > 2 and is_prose(sentence):
                section, weight = self._place(
                    sentence, quoted=quoted, answering=after_failure and position < 2
                )
                first_wish = first and section == "goal"
                yield self.line(section, sentence, weight + (2 if first_wish else 0), quoted=quoted)

    def said(self) -> Iterator[tuple[str, bool]]:
        """Its sentences, each with whether it stands in something that is only quoted there."""
        prose = self.prose
        own = unquoted(prose)
        for sentence in sentences(prose):
            yield sentence, own is not prose and sentence not in own

    def _place(self, sentence: str, *, quoted: bool, answering: bool) -> tuple[str, float]:
        """The section of a sentence and what it weighs there. A quotation wishes and decides nothing."""
        if quoted:
            return ("errors", 1.5) if answering or is_failure(sentence) else ("timeline", 0.5)
        if self.passage.role == "user":
            if is_rule(sentence):
                return "goal", 3.0
            if is_request(sentence):
                return "goal", 2.0
        if is_decision(sentence):
            return "decisions", 2.0
        if answering or is_failure(sentence):
            return "errors", 1.5 + is_fix(sentence)
        if is_open(sentence):
            return "open", 1.0
        return "timeline", 0.5

    def _errors(self) -> Iterator[str]:
        errors = [fact.value for fact in error_facts(self.prose)]
        if not errors and self.passage.is_error:
            errors = [line for line in self.prose.splitlines() if line.strip()][-1:]
        yield from errors[-MAX_OUTPUT_ERRORS:]

    def line(self, section: str, text: str, weight: float, *, quoted: bool = False) -> Line:
        """A candidate of this message."""
        flat = one_line(text)
        facts = frozenset(fact.key for fact in hard_facts(flat))
        passage = self.passage
        speaker = self._speaker(quoted=quoted) if self._is_named(section, flat, quoted=quoted) else None
        return Line(section, flat, passage.ref, weight, self.index, facts, passage.date, speaker)

    def _is_named(self, section: str, text: str, *, quoted: bool) -> bool:
        """Whether a line says whose it is: an order that is not the user's never stands bare."""
        role = self.passage.role
        orders = (quoted or role == "assistant") and any(map(is_order, sentences(text)))
        return section == "timeline" or role == "tool" or orders

    def _speaker(self, *, quoted: bool) -> str:
        said = label(self.passage.name or "") or self.passage.role
        return f"quoted by {said}" if quoted else said


def one_line(text: str, limit: int = MAX_LINE) -> str:
    """The text on one line without list mark, at most about ``limit`` characters, cut between words."""
    flat = re.sub(r"^(?:(?:[-*+•#>]{1,6}|\d{1,3}[.)])\s+)+", "", " ".join(text.split()))
    if len(flat) <= limit:
        return flat
    return (flat[:limit].rpartition(" ")[0] or flat[:limit]) + " …"


def _state(talk: Iterable[_Talk]) -> Iterator[Line]:
    """The last thing the assistant said, else the last thing anybody did."""
    said = [each for each in talk if each.passage.role != "tool" and each.prose.strip()]
    spoken = [each for each in said if each.passage.role == "assistant"] or said
    for each in spoken[-1:]:
        pieces = list(each.said())
        for position, (sentence, quoted) in enumerate(
            [piece for piece in pieces if is_prose(piece[0])] or pieces
        ):
            yield each.line("state", sentence, 3.0 - position / 10, quoted=quoted)


def _weighted(line: Line, weight: float, *, focused: bool) -> Line:
    facts = min(3.0, 0.5 * len(line.facts))
    brevity = 0.0 if len(line.text) > 20 else -1.0
    return replace(line, weight=weight + facts + brevity, focused=focused)
