"""The lines of a summary, and who may give the instructions in them: the user, the system, a pin."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property

from context_compaction.drafting.base import DraftRequest
from context_compaction.drafting.markers import label
from context_compaction.drafting.merging import REF
from context_compaction.drafting.wording import Clause, Sentence
from context_compaction.schema import Section, parse_sections
from context_compaction.text.facts import normalised
from context_compaction.text.intent import is_order
from context_compaction.text.quotations import unquoted
from context_compaction.text.sentences import sentences

GOAL = "goal"
"""Key of the section that says what the user wants: there all instructions are judged, not only orders."""

_MARK = re.compile(r"\s{0,12}(?:(?:[-*+•]|\d{1,3}[.)])\s{1,4})?")
_SPEAKER = re.compile(r"\s{0,12}(?:[-*+•]\s{1,4})?(?:\d{4}-\d{2}-\d{2} )?(quoted by )?([^\s:][^:]{0,79}): ")
"""How `Line.written` says whose words follow."""
_OUR_HEADING = re.compile(r"goal|instruction|rule|prompt", re.IGNORECASE)


class Given:
    """What was said in a range by those who may give instructions."""

    def __init__(self, request: DraftRequest) -> None:
        self._request = request

    def says(self, sentence: str) -> bool:
        """Whether every clause of the sentence was said; without telling words, the sentence as it stands."""
        clauses = Clause.of(sentence)
        if not clauses:
            return normalised(sentence) in self._whole
        return all(any(each.says(clause) for each in self._sentences) for clause in clauses)

    def reports(self, line: str) -> bool:
        """Whether the line names somebody else as its speaker: then it tells what they said."""
        found = _SPEAKER.match(line)
        return found is not None and (bool(found.group(1)) or found.group(2).casefold() in self._speakers)

    @cached_property
    def _texts(self) -> list[str]:
        asked = self._request
        said = [unquoted(each.text) for each in asked.passages if each.role in ("user", "system")]
        return [*said, *asked.pins, asked.focus or "", *map(self._held, self._summaries)]

    @cached_property
    def _sentences(self) -> list[Sentence]:
        return [Sentence.of(sentence) for text in self._texts for sentence in sentences(text)]

    @cached_property
    def _whole(self) -> str:
        return normalised("\n".join(self._texts))

    @cached_property
    def _summaries(self) -> list[str]:
        asked = self._request
        return [*(each.text for each in asked.passages if each.role == "summary"), *asked.context]

    @cached_property
    def _speakers(self) -> frozenset[str]:
        """Those that are neither the user nor the system, folded."""
        others = [each for each in self._request.passages if each.role in ("assistant", "tool")]
        names = {label(name) for each in others for name in (each.role, each.name or "")}
        lines = (line for text in self._summaries for line in text.splitlines())
        names.update(found.group(2) for found in map(_SPEAKER.match, lines) if found)
        return frozenset(name.casefold() for name in names if not is_order(f"{name}: always do this"))

    def _held(self, summary: str) -> str:
        """What an earlier summary holds as the user's: their section, and orders, which were checked then."""
        if not parse_sections(summary, self._request.sections):
            return summary
        held = (
            line
            for line, strict in judged_lines(summary, self._request.sections)
            if strict or (not self.reports(line) and any(map(is_order, parts_of(line)[1])))
        )
        return "\n".join(held)


def judged_lines(text: str, sections: Sequence[Section]) -> Iterator[tuple[str, bool]]:
    """The lines, each with whether it stands where the user's goals and rules do, or under such a heading."""
    keys = {section.title.casefold(): section.key for section in sections}
    strict = False
    for line in text.splitlines():
        if line.startswith("## "):
            title = line[3:].strip()
            key = keys.get(title.casefold())
            strict = key == GOAL if key else bool(_OUR_HEADING.search(title))
        yield line, strict


def parts_of(line: str) -> tuple[str, list[str], str]:
    """The list mark of a line, its sentences, its reference."""
    mark = found.group() if (found := _MARK.match(line)) else ""
    ref = found.group() if (found := REF.search(line)) else ""
    return mark, sentences(line[len(mark) : len(line) - len(ref)]), ref
