"""Questions to recorded conversations, and how much of what answers them a search found."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import Skipped
from context_compaction.archive import Archive
from context_compaction.messages import Message
from context_compaction.recall import Embedding, Weights, recall
from context_compaction.testing.archive_rows import Writer
from context_compaction.text.dates import epoch

RANKS = (1, 5, 10, 20)
DEEP = 200
"""Messages that are looked through for the order of their sessions."""
TUNED_ON = ("conv-26", "conv-41", "conv-43")
"""Half of the LoCoMo dialogues; the weights were chosen on these alone."""
SETS: tuple[tuple[str, str], ...] = (
    ("locomo, tuned on", "locomo/*.json"),
    ("locomo, kept aside", "locomo/*.json"),
    ("longmemeval pool", "longmemeval/pool*.json"),
    ("coding", "coding/*.json"),
)


@dataclass(frozen=True, slots=True)
class Conversation:
    """What the questions are put to: a session of its own in the archive."""

    branch: int
    texts: Sequence[str]
    """What each message says, its speaker first where there is a name."""
    sessions: Sequence[str]
    """To which of the recording's sessions each message belongs; empty strings where it has none."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question, and the numbers of the messages that answer it."""

    asked_of: Conversation
    text: str
    evidence: frozenset[int]
    now: float | None = None
    """When it is asked, in epoch seconds, where the recording says so."""


Search = Callable[[Question, int], Sequence[int]]
"""From a question and k to the numbers of messages, best first."""


def asked(archive: Archive, data: Path | None) -> dict[str, list[Question]]:
    """The questions of each of `SETS` that is there; `Skipped` without any."""
    if data is None:
        raise Skipped("no conversations; name a folder with --data DIR")
    sets: dict[str, list[Question]] = {}
    for name, pattern in SETS:
        files = [path for path in sorted(data.glob(pattern)) if belongs(name, path)]
        if found := [question for path in files for question in stored(archive, path)]:
            sets[name] = found
    if not sets:
        raise Skipped("the folder holds none of locomo, longmemeval, coding")
    return sets


def stored(archive: Archive, path: Path) -> list[Question]:
    """Put a conversation into a session of its own; its questions that have evidence."""
    whole: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    writer = Writer.of(archive, path.stem, namespace=path.parent.name)
    messages = [Message.from_openai(message) for message in whole["messages"]]
    writer.append(*messages)
    texts = [f"{message.name}: {message.text}" if message.name else message.text for message in messages]
    conversation = Conversation(
        writer.branch, texts, [str(message.get("session", "")) for message in whole["messages"]]
    )
    return [
        Question(
            conversation,
            question["question"],
            frozenset(index + 1 for index in question["evidence"]),
            epoch(question.get("date")),
        )
        for question in whole["questions"]
        if question.get("evidence")
    ]


def ours(
    archive: Archive,
    weights: Weights | None = None,
    embedding: Embedding | None = None,
    *,
    dated: bool = False,
) -> Search:
    """Our own recall, messages only. ``dated``: it is told when the question is asked."""

    def search(question: Question, k: int) -> list[int]:
        hits = recall(
            archive,
            question.asked_of.branch,
            question.text,
            k,
            weights=weights,
            embedding=embedding,
            now=question.now if dated else None,
        )
        return [int(hit.ref[2:]) for hit in hits if hit.message is not None]

    return search


def embedded(archive: Archive, questions: Iterable[Question], embedder: Any) -> Embedding:
    """An embedder, once it has made all vectors."""
    embedding = Embedding.of(embedder)
    for branch in {question.asked_of.branch for question in questions}:
        embedding.notice(archive, branch)
        embedding.wait(archive, branch)
        if embedding.trouble or embedding.missing(archive, branch):
            raise RuntimeError(f"not all was embedded: {embedding.trouble}")
    return embedding


def turns(search: Search, questions: Iterable[Question]) -> list[float]:
    """Recall at each of `RANKS` and the mean reciprocal rank, of messages."""
    return _means(scored(search(question, max(RANKS)), question.evidence) for question in questions)


def sessions(search: Search, questions: Iterable[Question]) -> list[float]:
    """The same of whole sessions, each standing where its best message stands."""
    return _means(
        scored(
            list(dict.fromkeys(_session(question, seq) for seq in search(question, DEEP))),
            {_session(question, seq) for seq in question.evidence},
        )
        for question in questions
    )


def scored(found: Sequence[object], evidence: Collection[object]) -> list[float]:
    """The share of the evidence among the first k of each of `RANKS`, and one over the place of the first."""
    shares = [len({*found[:k]}.intersection(evidence)) / len(evidence) for k in RANKS]
    places = [place for place, one in enumerate(found[: max(RANKS)], 1) if one in evidence]
    return [*shares, 1 / places[0] if places else 0.0]


def _session(question: Question, seq: int) -> str:
    return question.asked_of.sessions[seq - 1]


def _means(rows: Iterable[Sequence[float]]) -> list[float]:
    columns = list(zip(*rows, strict=True))
    return [sum(column) / len(column) for column in columns]


def belongs(name: str, path: Path) -> bool:
    """Whether a file is of a set: LoCoMo is two, by what was tuned on."""
    return path.parent.name != "locomo" or (path.stem in TUNED_ON) == name.endswith("tuned on")
