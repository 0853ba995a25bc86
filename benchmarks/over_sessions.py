"""Recall over the sessions of a namespace, beside recall in the session that holds the answer."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from time import process_time

from benchmarks import Skipped, Table
from benchmarks._questions import RANKS, Question, scored, stored
from benchmarks._stopwatch import milliseconds
from context_compaction import Archive, Message, TextBlock, open_archive
from context_compaction.recall import recall, recall_over
from context_compaction.testing.archive_rows import Writer

MESSAGES, SIZE, QUESTIONS = 200_000, 200, 200
NAMESPACE, OTHER = "locomo", "other"
EVERY = 50
"""One of so many sessions is another namespace's."""


def run(data: Path | None, messages: str | None = None, *, quick: bool = False) -> Table:
    """``messages``: how many made-up ones the archive holds beside LoCoMo's dialogues."""
    count = 1000 if quick else MESSAGES if messages is None else int(messages)
    files = sorted(data.glob("locomo/*.json")) if data else []
    if not files:
        raise Skipped("no LoCoMo; name a folder with --data DIR")
    with tempfile.TemporaryDirectory() as folder, open_archive(f"{folder}/archive.db") as archive:
        questions = [question for path in files for question in stored(archive, path)]
        _fill(archive, questions, count)
        chosen = random.Random(3).sample(questions, min(QUESTIONS, len(questions)))
        names = {branch: name for name in _names(archive) for branch in [archive.active(NAMESPACE, name)]}
        ways: dict[str, Callable[[Question], list[str]]] = {
            "its session": lambda asked: _within(archive, names, asked),
            "all sessions": lambda asked: _over(archive, NAMESPACE, asked),
            "all of a small namespace": lambda asked: _over(archive, OTHER, asked),
        }
        rows = [_row(name, way, chosen, names) for name, way in ways.items()]
    notes = [
        f"{count:,} messages beside the dialogues, in sessions of {SIZE}: theirs, every second word another",
        f"one session in {EVERY} is in a small namespace of its own, which holds no evidence",
        f"{len(chosen)} questions; ms: CPU time, median",
    ]
    columns = ("searched", *(f"@{k}" for k in RANKS), "MRR", "ms")
    return Table("Recall over sessions", columns, rows, notes)


def _row(
    name: str,
    way: Callable[[Question], list[str]],
    questions: Sequence[Question],
    names: dict[int | None, str],
) -> list[object]:
    scores: list[list[float]] = []
    times: list[float] = []
    for question in questions:
        start = process_time()
        found = way(question)
        times.append((process_time() - start) * 1000)
        owner = names[question.asked_of.branch]
        scores.append(scored(found, {f"m:{seq}@{owner}" for seq in question.evidence}))
    means = [sum(column) / len(column) for column in zip(*scores, strict=True)]
    return [name, *(f"{value:.3f}" for value in means), milliseconds(median(times))]


def _within(archive: Archive, names: dict[int | None, str], asked: Question) -> list[str]:
    branch = asked.asked_of.branch
    return [f"{hit.ref}@{names[branch]}" for hit in recall(archive, branch, asked.text, max(RANKS))]


def _over(archive: Archive, namespace: str, asked: Question) -> list[str]:
    return [hit.ref for hit in recall_over(archive, namespace, asked.text, max(RANKS))]


def _names(archive: Archive) -> list[str]:
    return [name for _, name in archive.sessions(NAMESPACE)]


def _fill(archive: Archive, questions: Sequence[Question], count: int) -> None:
    """Sessions that are spoken in as the dialogues are, by the same people."""
    branches = {question.asked_of.branch for question in questions}
    dialogues = [[row.message for row in archive.messages(branch)] for branch in sorted(branches)]
    made = _made(dialogues)
    for number in range(count // SIZE):
        namespace = NAMESPACE if number % EVERY else OTHER
        Writer.of(archive, f"made {number}", namespace).append(*(next(made) for _ in range(SIZE)))


def _made(dialogues: Sequence[Sequence[Message]]) -> Iterator[Message]:
    chance = random.Random(7)
    words = [word for dialogue in dialogues for message in dialogue for word in message.text.split()]
    while True:
        dialogue = chance.choice(dialogues)
        start = chance.randrange(max(1, len(dialogue) - SIZE))
        for message in dialogue[start : start + SIZE]:
            said = " ".join(chance.choice((word, chance.choice(words))) for word in message.text.split())
            yield replace(message, blocks=(TextBlock(said),), id=None, raw=None)
