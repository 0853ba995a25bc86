"""Exact things listed by kind: files touched, commands run, names, values. The densest part of a summary."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from context_compaction.drafting.base import Passage
from context_compaction.text.clipping import clipped
from context_compaction.text.facts import Fact, hard_facts, normalised, occurs
from context_compaction.text.verbatim import LABELS

MAX_READ = 4000
MAX_VALUE = 120
"""Characters of one listed value."""
MODIFIED, READ, COMMANDS = "Files modified", "Files read", "Commands"
FILES = (MODIFIED, READ)
ORDER = (MODIFIED, *LABELS.values(), READ, COMMANDS)

_PATH = re.compile(
    r'"(?:path|file_?path|file|file_?name|target_?file|notebook_path)"\s{0,3}:\s{0,3}"((?:[^"\\]|\\.){1,300})"'
)
_COMMAND = re.compile(r'"(?:command|cmd|script)"\s{0,3}:\s{0,3}"((?:[^"\\]|\\.){1,400})"')
_CALL = re.compile(r"^([\w.:-]{1,64})\((\{.*)", re.MULTILINE)
_WRITES = re.compile(
    r"write|edit|create|replace|insert|patch|apply|delete|remove|rename|move|update|save", re.IGNORECASE
)
_WORTH = {"user": 3.0, "assistant": 2.0, "summary": 2.0, "tool": 1.0}


@dataclass(slots=True)
class Item:
    """One value of a list and how much it is worth."""

    label: str
    value: str
    ref: str
    worth: float = 0.0


@dataclass(slots=True)
class Ledger:
    """The values met so far, each once."""

    items: dict[tuple[str, str], Item] = field(default_factory=dict[tuple[str, str], Item])

    def add(self, label: str, value: str, ref: str, worth: float) -> None:
        """Take a value in; one that is known gains worth, and a modified file is no longer a read one."""
        value = " ".join(value.split())  # a path in a call's arguments may hold line breaks
        key = normalised(value)
        if label == MODIFIED:
            self.items.pop((READ, key), None)
        elif label == READ and (MODIFIED, key) in self.items:
            label = MODIFIED
        item = self.items.setdefault((label, key), Item(label, value, ref))
        item.worth += worth
        item.ref = ref or item.ref

    def ranked(self, covered: Iterable[str]) -> list[Item]:
        """The values that no text of ``covered`` carries already, most worth first."""
        whole = normalised("\n".join(covered))
        place = {label: index for index, label in enumerate(ORDER)}
        kept = self._without_tails()
        left = [item for key, item in kept if item.label in FILES or not occurs(key, whole)]
        return sorted(left, key=lambda item: (-item.worth, place[item.label]))

    def _without_tails(self) -> list[tuple[str, Item]]:
        """All values by key, less the paths that are the end of another one: that one carries them."""
        paths = [key for label, key in self.items if label in (*FILES, LABELS["path"])]
        tails = {tail for path in paths for tail in _tails(path)}
        return [
            (key, item) for (_, key), item in self.items.items() if item.label in FILES or key not in tails
        ]


def ledger_of(passages: Iterable[Passage]) -> Ledger:
    """Files, commands and hard facts of messages, in log order."""
    ledger = Ledger()
    for passage in passages:
        if passage.role != "summary":
            _take(ledger, passage)
    return ledger


def _take(ledger: Ledger, passage: Passage) -> None:
    text = clipped(passage.text, MAX_READ)
    if passage.role == "assistant":
        for label, value in touched(text):
            ledger.add(label, value, passage.ref, 3.0 if label == MODIFIED else 1.0)
    worth = _WORTH.get(passage.role, 1.0)
    for fact in hard_facts(text):
        if fact.kind in LABELS and len(fact.value) <= MAX_VALUE and not _known(ledger, fact):
            relative = fact.kind == "path" and fact.value.startswith(".")
            ledger.add(LABELS[fact.kind], fact.value, passage.ref, worth / 4 if relative else worth)


def _known(ledger: Ledger, fact: Fact) -> bool:
    key = normalised(fact.value)
    return fact.kind == "path" and ((READ, key) in ledger.items or (MODIFIED, key) in ledger.items)


def touched(text: str) -> Iterator[tuple[str, str]]:
    """The files that the calls in a passage read or modify, and the commands they run."""
    for call in _CALL.finditer(text):
        name, arguments = call.groups()
        for path in _PATH.finditer(arguments):
            yield (MODIFIED if _WRITES.search(name) else READ), _plain(path.group(1))
        for command in _COMMAND.finditer(arguments):
            value = " ".join(_plain(command.group(1)).split())
            if len(value) <= MAX_VALUE:
                yield COMMANDS, value


def _tails(path: str) -> Iterator[str]:
    """``b/c.py`` and ``c.py`` for ``a/b/c.py``."""
    start = path.find("/")
    while start >= 0:
        yield path[start + 1 :]
        start = path.find("/", start + 1)


def _plain(text: str) -> str:
    """A JSON string's inside as text."""
    try:
        return str(json.loads(f'"{text}"'))
    except ValueError:
        return text
