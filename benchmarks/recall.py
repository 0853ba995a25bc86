"""How much of what a question needs is among the first hits, with and without the neighbour field."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import Skipped, Table
from context_compaction.archive import Archive, open_archive
from context_compaction.messages import Message
from context_compaction.recall import Weights, recall
from context_compaction.testing.archive_rows import Writer

RANKS = (1, 5, 10, 20)
TUNED_ON = ("conv-26", "conv-41", "conv-43")
"""Half of the LoCoMo dialogues; the weights were chosen on these alone."""
ALONE = replace(Weights(), neighbours=0.0)
SETS: tuple[tuple[str, str], ...] = (
    ("locomo, tuned on", "locomo/*.json"),
    ("locomo, kept aside", "locomo/*.json"),
    ("longmemeval pool", "longmemeval/pool*.json"),
    ("coding", "coding/*.json"),
)
NOTES = (
    "mean over questions of |evidence among the first k message references| / |evidence|, without a model",
    "near: with the two messages before and after of the same sitting as a second field; gain: what it adds",
    "ms: median of one recall in a :memory: archive that holds all conversations, one session each",
)


@dataclass(frozen=True, slots=True)
class Question:
    """One question to one session, and the references that answer it."""

    branch: int
    text: str
    evidence: frozenset[str]


def run(data: Path | None) -> Table:
    """The table; `Skipped` without the conversations."""
    if data is None:
        raise Skipped("no conversations; name a folder with --data DIR")
    rows: list[Sequence[object]] = []
    with open_archive(":memory:") as archive:
        for name, pattern in SETS:
            files = [path for path in sorted(data.glob(pattern)) if _belongs(name, path)]
            asked = [question for path in files for question in stored(archive, path)]
            if asked:
                rows += _rows(archive, name, asked)
    if not rows:
        raise Skipped("the folder holds none of locomo, longmemeval, coding")
    columns = ("set", "asked", "near", *(f"@{k}" for k in RANKS), "ms")
    return Table("Recall@k, lexical", columns, rows, NOTES)


def stored(archive: Archive, path: Path) -> list[Question]:
    """Put a conversation into a session of its own; its questions that have evidence."""
    whole: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    writer = Writer.of(archive, path.stem, namespace=path.parent.name)
    writer.append(*map(Message.from_openai, whole["messages"]))
    return [
        Question(writer.branch, asked["question"], frozenset(f"m:{index + 1}" for index in asked["evidence"]))
        for asked in whole["questions"]
        if asked.get("evidence")
    ]


def recalls(archive: Archive, questions: Iterable[Question], weights: Weights | None = None) -> list[float]:
    """Recall at each of `RANKS`, and the median time of a recall in milliseconds."""
    shares: list[list[float]] = []
    times: list[float] = []
    for question in questions:
        start = time.perf_counter()
        hits = recall(archive, question.branch, question.text, max(RANKS), weights=weights)
        times.append((time.perf_counter() - start) * 1000)
        refs = [hit.ref for hit in hits]
        found = (len(question.evidence.intersection(refs[:k])) for k in RANKS)
        shares.append([count / len(question.evidence) for count in found])
    return [*(sum(column) / len(shares) for column in zip(*shares, strict=True)), median(times)]


def _rows(archive: Archive, name: str, questions: list[Question]) -> list[Sequence[object]]:
    without, with_them = recalls(archive, questions, ALONE), recalls(archive, questions)
    gains = [after - before for before, after in zip(without, with_them, strict=True)]
    return [
        (name, len(questions), "no", *(f"{value:.3f}" for value in without[:-1]), f"{without[-1]:.1f}"),
        ("", "", "yes", *(f"{value:.3f}" for value in with_them[:-1]), f"{with_them[-1]:.1f}"),
        ("", "", "gain", *(f"{value:+.3f}" for value in gains[:-1]), ""),
    ]


def _belongs(name: str, path: Path) -> bool:
    if path.parent.name != "locomo":
        return True
    return (path.stem in TUNED_ON) == (name == SETS[0][0])
