"""How much of what a question needs is among the first hits, beside LangChain's BM25 retriever."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from statistics import median

from benchmarks import Skipped, Table
from benchmarks._questions import RANKS, Conversation, Question, Search, asked, ours, sessions, turns
from context_compaction.archive import open_archive

NOTES = (
    "mean over questions of |evidence in the first k| / |evidence|; MRR: of 1 / place of the first evidence",
    "lexical, without a model; turns: evidence are messages; sessions: those that the messages are of",
    "ms: median of one search for 20 messages, all conversations in one archive ({}), one session each",
)


def run(data: Path | None, archive: str = ":memory:") -> Table:
    """The table; `Skipped` without the conversations, which are put into ``archive``: an empty one."""
    with open_archive(archive) as opened:
        if opened.sessions():
            raise Skipped("the archive has sessions already; name an empty one")
        notes = [note.format(type(opened).__name__) for note in NOTES]
        sets = asked(opened, data)
        searches: list[tuple[str, Search]] = [("ours", ours(opened))]
        try:
            searches.append(("BM25Retriever", bm25_retriever()))
        except Skipped as reason:
            notes.append(f"BM25Retriever of LangChain: skipped, {reason}")
        rows = [row for name, questions in sets.items() for row in _rows(name, questions, searches)]
    columns = ("set", "asked", "by", *(f"@{k}" for k in RANKS), "MRR", "ms")
    return Table("Recall@k, lexical", columns, rows, notes)


def bm25_retriever() -> Search:
    """LangChain's, as it comes; one for each conversation, made at its first question."""
    if not all(map(find_spec, ("langchain_community", "rank_bm25"))):
        raise Skipped("langchain-community or rank-bm25 is not installed")
    from langchain_community.retrievers import BM25Retriever

    known: dict[int, BM25Retriever] = {}

    def made(conversation: Conversation) -> BM25Retriever:
        numbers = [{"seq": seq} for seq in range(1, len(conversation.texts) + 1)]
        return BM25Retriever.from_texts(conversation.texts, numbers)

    def search(question: Question, k: int) -> list[int]:
        conversation = question.asked_of
        retriever = known.setdefault(
            conversation.branch, known.get(conversation.branch) or made(conversation)
        )
        retriever.k = k
        return [document.metadata["seq"] for document in retriever.invoke(question.text)]

    return search


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
