"""The verbatim facts of a summary: a block at its end that lists, by kind, what its own words miss."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from context_compaction.text.facts import Fact, FactKind

HEADING = "## Verbatim Facts"
SENTENCES: dict[FactKind, str] = {"instruction": "Instruction", "decision": "Decision", "error": "Error"}
"""Label of a line for the kinds whose facts have a line each."""
LABELS: dict[FactKind, str] = {
    "path": "Paths",
    "identifier": "Identifiers",
    "url": "Links",
    "date": "Dates",
    "quantity": "Values",
    "quote": "Names and phrases",
}
"""Label of the line that lists all facts of a kind; the most telling kinds first."""
SEPARATOR, PHRASE = "; ", "Phrase"
"""Between two values of a list, and the label of a line for a quote that has it inside."""
LINES = (*SENTENCES.values(), PHRASE)
"""Labels of lines that hold one fact."""
_KINDS: dict[str, FactKind] = {label: kind for kind, label in (SENTENCES | LABELS).items()}
_KINDS[PHRASE] = "quote"


def listable(fact: Fact) -> bool:
    """Whether the block can show it so that `split_block` reads it again."""
    value = fact.value
    apart = label_of(fact) in LINES or SEPARATOR not in value
    return apart and value == value.strip() and value.splitlines() == [value]


def label_of(fact: Fact) -> str:
    """The label of the line that shows it."""
    if fact.kind == "quote" and SEPARATOR in fact.value:
        return PHRASE
    return SENTENCES.get(fact.kind) or LABELS[fact.kind]


def block_text(facts: Iterable[Fact]) -> str:
    """The block for facts that are `listable`, in their order within each kind; empty for none."""
    values: dict[str, list[str]] = {}
    for fact in facts:
        values.setdefault(label_of(fact), []).append(fact.value)
    lines = [f"- {label}: {value}" for label in LINES for value in values.get(label, ())]
    lines += [f"- {label}: {SEPARATOR.join(values[label])}" for label in LABELS.values() if label in values]
    return "\n".join((HEADING, *lines)) if lines else ""


def split_block(text: str) -> tuple[str, tuple[Fact, ...]]:
    """The text without its block, and the facts that the block lists; the text itself when it has none.

    Lines in a block that are none of ours (a model imitated it) go with it.
    """
    body: list[str] = []
    facts: list[Fact] = []
    lines = text.split("\n")
    inside = False
    for line in lines:
        if line.startswith("## "):
            inside = line.rstrip() == HEADING
        if inside:
            facts += _read(line)
        else:
            body.append(line)
    return (text if len(body) == len(lines) else "\n".join(body).rstrip()), tuple(facts)


def _read(line: str) -> Iterator[Fact]:
    label, colon, rest = line.removeprefix("- ").partition(": ")
    kind = _KINDS.get(label)
    if colon and kind is not None:
        values = [rest] if label in LINES else rest.split(SEPARATOR)
        yield from (Fact(kind, value) for value in values if value)
