"""The verbatim facts of a summary: a block at its end that lists, by kind, what its own words miss."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from context_compaction.text.facts import Fact, FactKind

HEADING = "## Verbatim Facts"
LABELS: dict[FactKind, str] = {
    "path": "Paths",
    "identifier": "Identifiers",
    "url": "Links",
    "date": "Dates",
    "quantity": "Values",
    "quote": "Names and phrases",
}
"""Label of the line that lists facts of a kind; the most telling kinds first."""
SENTENCES: dict[FactKind, str] = {"instruction": "Instruction", "decision": "Decision", "error": "Error"}
"""Label of each line of the kinds whose facts have a line each."""
SEPARATOR = "; "
_KINDS: dict[str, FactKind] = {label: kind for kind, label in (*SENTENCES.items(), *LABELS.items())}


def listable(fact: Fact) -> bool:
    """Whether the block can list it so that `split_block` reads it again: on one line, told from others."""
    value = fact.value
    alone = fact.kind in SENTENCES or SEPARATOR.strip() not in value
    return alone and value == value.strip() and len(value.splitlines()) == 1


def block_text(facts: Iterable[Fact]) -> str:
    """The block for facts that are `listable`, in their order within each kind; empty for none."""
    by_label: dict[str, list[str]] = {}
    for fact in facts:
        by_label.setdefault(SENTENCES.get(fact.kind) or LABELS[fact.kind], []).append(fact.value)
    lines: list[str] = []
    for label, kind in _KINDS.items():
        values = by_label.get(label, [])
        lines += values_lines(label, values) if kind in SENTENCES else _list_line(label, values)
    return "\n".join([HEADING, *lines]) if lines else ""


def split_block(text: str) -> tuple[str, tuple[Fact, ...]]:
    """The text without its block, and the facts that the block lists."""
    body: list[str] = []
    facts: list[Fact] = []
    inside = False
    for line in text.split("\n"):
        if line.startswith("## "):
            inside = line.strip() == HEADING
        if not inside:
            body.append(line)
        elif line.strip() != HEADING:
            facts += _read(line)
    return "\n".join(body).strip("\n") if len(body) < text.count("\n") + 1 else text, tuple(facts)


def values_lines(label: str, values: list[str]) -> list[str]:
    return [f"- {label}: {value}" for value in values]


def _list_line(label: str, values: list[str]) -> list[str]:
    return [f"- {label}: {SEPARATOR.join(values)}"] if values else []


def _read(line: str) -> Iterator[Fact]:
    label, colon, rest = line.removeprefix("- ").partition(": ")
    kind = _KINDS.get(label)
    if colon and kind is not None:
        values = [rest] if kind in SENTENCES else rest.split(SEPARATOR)
        yield from (Fact(kind, value) for value in values if value)
