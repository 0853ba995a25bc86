"""Hard facts: what must not get lost, found by spelling alone, and the share still carried."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from context_compaction.text.dates import epoch
from context_compaction.text.intent import is_decision, is_request, is_rule
from context_compaction.text.names import names_in
from context_compaction.text.quantities import dates_in, quantities_in
from context_compaction.text.scoring import terms_of
from context_compaction.text.sentences import sentences
from context_compaction.text.terms import STOP_WORDS

FactKind = Literal[
    "path", "url", "identifier", "quantity", "date", "error", "quote", "instruction", "decision"
]
TELLING_TERMS = 3
"""Terms from which on a wish or decision can be understood alone, common words left out."""
MAX_MESSAGE = 100
"""Characters of an error's message that count as the fact."""
_REACH = 600
"""Characters in which an error stands: its place, its name, and twice its message."""
_MAX_KEPT = 4200  # a clipped output, its note included
_MAX_LINE = 400
_CODE_BEFORE = frozenset("=:,([{+|&<>$")
_CODE_BEGINS = re.compile(r"\s{4,}|\t|[$>+-] |@@|\d+[\t|:]|import |(?:from|export|const) .")
_CODE_ENDS = ("{", "}", ";", "\\", ",", "(", "[")

_ERROR_NAME = re.compile(
    r"[A-Z]\w{0,60}?(?:Error|Exception|Failure|Fault|Interrupt)(?:\[[\w-]{1,30}\])?: ?(?=\S)"
)
_ERROR_LINE = re.compile(
    r"(?:^|(?<=\n))[ \t]{0,8}(?:\S{1,200}:\d{1,6}:(?:\d{1,6}:)? )?"
    r"(?:(?:fatal|error|panic|FATAL|ERROR)(?:(?: ?\[\w{1,12}\]| [A-Z]{1,4}\d{1,5})?: ?"
    r"| \[[\d:]{1,12}\] )(?=\S)"
    r"|E   (?=[a-z]))"
)
_PLACE = re.compile(r"\[[\d:]+\]|\S+:\d+:(?:\d+:)?")
_QUOTES = re.compile(
    r"(?:^|(?<=\s)|(?<=\())(?:\"([^\"\n]{3,60})\"|“([^”\n]{3,60})”|«([^»\n]{3,60})»|`([^`\n]{3,60})`|'([^'\n]{3,60})')"
    r"(?=[\s.,;!?)]|$)|「([^」\n]{2,40})」|『([^』\n]{2,40})』",
    re.MULTILINE,
)
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Fact:
    """One hard fact, spelled as it was."""

    kind: FactKind
    value: str

    @property
    def key(self) -> tuple[str, str]:
        """Equal for spellings of one fact: case, spaces and the way a full date is written do not count."""
        folded = normalised(self.value)
        if self.kind == "date" and (moment := epoch(self.value)) is not None:
            return self.kind, str(moment)
        if self.kind == "quantity":
            folded = folded.replace(" ", "").replace(",", "")
        return self.kind, folded


def hard_facts(text: str, *, role: str | None = None) -> tuple[Fact, ...]:
    """The distinct hard facts of a text, in the order they stand there.

    Names (paths, URLs, identifiers), numbers with their unit, dates and times, error lines, short quotes.
    Ordinary words, capitalised names and bare small numbers are none. ``role="user"`` adds the user's
    instructions and decisions, whole sentences: nobody else's count as such. Linear in the text.
    """
    facts = _spelled(text)
    return facts if role != "user" else tuple(dict.fromkeys((*facts, *_wanted(text))))


def spelled_facts(text: str, *, role: str | None = None) -> tuple[Fact, ...]:
    """Those of `hard_facts` that stand in the text character by character, as all but some errors do.

    An error is put together: without its place, and with one space before its message. Whether that stands
    there is asked where it was found: over all of a long log it would take the square of its length.
    """
    facts = hard_facts(text, role=role)
    if all(fact.kind != "error" for fact in facts):
        return facts
    literal = {fact for start, fact in _errors(text) if fact.value in text[start : start + _REACH]}
    return tuple(fact for fact in facts if fact.kind != "error" or fact in literal)


def error_facts(text: str) -> tuple[Fact, ...]:
    """Those of `hard_facts` that are errors, in a fraction of the time."""
    return _distinct(_errors(text))


def fidelity(source_texts: Iterable[str], carried_texts: Iterable[str]) -> float:
    """The share, 0 to 1, of the distinct hard facts of the source that still occur in what is carried.

    Case and white space do not count, and a date may be written another way. 1.0 when the source has none.
    """
    wanted = {fact.key: fact for text in source_texts for fact in hard_facts(text)}
    return 1 - len(missing(wanted.values(), carried_texts)) / len(wanted) if wanted else 1.0


def missing(facts: Iterable[Fact], carried_texts: Iterable[str]) -> list[Fact]:
    """The facts that do not occur in what is carried, by the rule of `fidelity`, in their order."""
    carried = list(carried_texts)
    there = {fact.key for text in carried for fact in hard_facts(text)}
    whole = normalised("\n".join(carried))
    return [fact for fact in facts if not (fact.key in there or occurs(normalised(fact.value), whole))]


def normalised(text: str) -> str:
    """The text with its case folded and every run of white space as one space."""
    return _SPACES.sub(" ", text).strip().casefold()


def occurs(needle: str, text: str) -> bool:
    """Whether it stands in the text on its own: ``5 min`` does not occur in ``15 min``."""
    start = text.find(needle)
    while start >= 0:
        end = start + len(needle)
        if not (_joined(text[start - 1 : start], needle[:1]) or _joined(needle[-1:], text[end : end + 1])):
            return True
        start = text.find(needle, start + 1)
    return False


def _joined(left: str, right: str) -> bool:
    """Whether two characters belong to one word; scripts without spaces never say so."""
    return left.isascii() and right.isascii() and left.isalnum() and right.isalnum()


def _spelled(text: str) -> tuple[Fact, ...]:
    return _short(text) if len(text) <= _MAX_KEPT else _found(text)


@lru_cache(maxsize=1024)
def _short(text: str) -> tuple[Fact, ...]:
    """Memoised: what stays in view is measured again at every compaction. Long texts would cost memory."""
    return _found(text)


def _found(text: str) -> tuple[Fact, ...]:
    return _distinct([*_names(text), *_numbers(text), *_errors(text), *_quotes(text)])


def _distinct(found: Iterable[tuple[int, Fact]]) -> tuple[Fact, ...]:
    first: dict[tuple[str, str], Fact] = {}
    for _, fact in sorted(found, key=lambda item: item[0]):
        first.setdefault(fact.key, fact)
    return tuple(first.values())


def _names(text: str) -> Iterator[tuple[int, Fact]]:
    return ((start, Fact(kind, name)) for start, kind, name in names_in(text))


def _numbers(text: str) -> Iterator[tuple[int, Fact]]:
    yield from ((start, Fact("date", date)) for start, date in dates_in(text))
    yield from ((start, Fact("quantity", number)) for start, number in quantities_in(text))


def _errors(text: str) -> Iterator[tuple[int, Fact]]:
    """The class and message of an exception, or the whole of a line that begins as an error does."""
    for pattern in (_ERROR_NAME, _ERROR_LINE):
        for found in pattern.finditer(text):
            message = text[found.end() : found.end() + 2 * MAX_MESSAGE].partition("\n")[0].rstrip()
            caught = text[max(0, found.start() - 7) : found.start()] == "except "
            if not caught and not message.endswith((",", ";", "{", "(")):  # those are code
                yield (
                    found.start(),
                    Fact("error", f"{_PLACE.sub('', found.group()).strip()} {_clipped(message)}"),
                )


def _clipped(message: str) -> str:
    """At most `MAX_MESSAGE` characters, cut between words."""
    if len(message) <= MAX_MESSAGE:
        return message.strip()
    return message[: MAX_MESSAGE + 1].rpartition(" ")[0] or message[:MAX_MESSAGE]


def _quotes(text: str) -> Iterator[tuple[int, Fact]]:
    """Short quotations in prose. What follows ``=``, ``:``, ``(`` or ``,`` is a value in code or JSON."""
    for found in _QUOTES.finditer(text):
        value = next(group for group in found.groups() if group).strip(" .,")
        if _in_prose(text, found.start(), found.end()) and any(map(str.isalpha, value)) and "${" not in value:
            yield found.start(), Fact("quote", value)


def _in_prose(text: str, start: int, end: int) -> bool:
    if text[max(0, start - 3) : start].rstrip()[-1:] in _CODE_BEFORE:
        return False
    first = max(text.rfind("\n", max(0, start - _MAX_LINE), start) + 1, start - _MAX_LINE)
    last = text.find("\n", end, end + _MAX_LINE)
    line = text[first:last] if last >= 0 else text[first : end + _MAX_LINE]
    return not _CODE_BEGINS.match(line) and not line.rstrip().endswith(_CODE_ENDS)


def _wanted(text: str) -> Iterator[Fact]:
    """The user's own instructions and decisions; a wish that says nothing alone ("Run it.") is none."""
    for sentence in sentences(text):
        wish, decision = is_request(sentence), is_decision(sentence)
        if is_rule(sentence) or (wish and _says_something(sentence)):
            yield Fact("instruction", sentence)
        elif decision and _says_something(sentence):
            yield Fact("decision", sentence)


def _says_something(sentence: str) -> bool:
    return len(terms_of(sentence) - STOP_WORDS) >= TELLING_TERMS
