"""How much of what a question needs is among the first hits, by words and with an embedder, beside others."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median

from benchmarks import Contest, Skipped, Table
from benchmarks._minilm import MiniLM
from benchmarks._questions import RANKS, Question, Search, asked, embedded, ours, sessions, turns
from benchmarks._retrievers import bm25_retriever, in_memory_vector_store, vector_memory_block
from context_compaction.archive import Archive, open_archive

DATED = "ours, dated"
NOTES = (
    "mean over questions of |evidence in the first k| / |evidence|; MRR: of 1 / place of the first evidence",
    "turns: evidence are messages; sessions: those that the messages are of",
    f"{DATED}: the search knows when the question is asked, as auto-recall does; others have no use for that",
    "ms: median of one search for 20 messages, all conversations in one archive ({}), one session each",
)

CONTESTS = (
    ("ours", ("BM25Retriever",)),
    ("ours, MiniLM", ("InMemoryVectorStore, MiniLM", "VectorMemoryBlock, MiniLM")),
)


def run(data: Path | None, archive: str = ":memory:") -> Table:
    """The table; `Skipped` without the conversations, which are put into ``archive``: an empty one."""
    with open_archive(archive) as opened:
        if opened.sessions():
            raise Skipped("the archive has sessions already; name an empty one")
        notes = [note.format(type(opened).__name__) for note in NOTES]
        sets = asked(opened, data)
        searches: list[tuple[str, Search]] = [("ours", ours(opened)), (DATED, ours(opened, dated=True))]
        _add(searches, notes, "BM25Retriever", bm25_retriever)
        _add_embedded(searches, notes, opened, sets)
        rows = [
            row
            for name, questions in sets.items()
            for row in _rows(name, questions, [one for one in searches if _applies(one[0], questions)])
        ]
    columns = ("set", "asked", "by", *(f"@{k}" for k in RANKS), "MRR", "ms")
    found = [*(f"@{k}" for k in RANKS), "MRR"]
    contests = [
        Contest(mine, theirs, more=found, less=["ms"], names=2, within=(0,)) for mine, theirs in CONTESTS
    ]
    return Table("Recall@k", columns, rows, notes, contests)


def _applies(who: str, questions: Sequence[Question]) -> bool:
    return who != DATED or any(question.now is not None for question in questions)


def _add(searches: list[tuple[str, Search]], notes: list[str], name: str, made: Callable[[], Search]) -> None:
    try:
        searches.append((name, made()))
    except Skipped as reason:
        notes.append(f"{name}: skipped, {reason}")


def _add_embedded(
    searches: list[tuple[str, Search]],
    notes: list[str],
    archive: Archive,
    sets: Mapping[str, Sequence[Question]],
) -> None:
    """All that search by the vectors of one model; a note instead, where the model is not."""
    try:
        model = MiniLM()
    except Skipped as reason:
        notes.append(f"with an embedder: skipped, {reason}")
        return
    questions = [question for each in sets.values() for question in each]
    _add(searches, notes, "ours, MiniLM", lambda: ours(archive, None, embedded(archive, questions, model)))
    _add(searches, notes, "InMemoryVectorStore, MiniLM", lambda: in_memory_vector_store(model))
    _add(searches, notes, "VectorMemoryBlock, MiniLM", lambda: vector_memory_block(model))
    for question in questions[:20]:
        model.embed_query(f"{question.text} ")  # a text of its own: the others are known by then
    notes.append(
        f"MiniLM: {model.name} on one CPU thread, shared by all; ms without the vector of the question, "
        f"which takes {model.question_ms():.1f} ms"
    )


def _rows(
    name: str, questions: Sequence[Question], searches: Sequence[tuple[str, Search]]
) -> Iterator[Sequence[object]]:
    for place, (who, search) in enumerate(searches):
        shown = [f"{value:.3f}" for value in turns(search, questions)]
        head = ("", "") if place else (name, len(questions))
        yield *head, who, *shown, f"{_milliseconds(search, questions):.1f}"
    if any(any(question.asked_of.sessions) for question in questions):
        for who, search in searches:
            yield "  its sessions", "", who, *(f"{value:.3f}" for value in sessions(search, questions)), ""


def _milliseconds(search: Search, questions: Sequence[Question]) -> float:
    times: list[float] = []
    for question in questions:
        start = time.perf_counter()
        search(question, max(RANKS))
        times.append((time.perf_counter() - start) * 1000)
    return median(times)
