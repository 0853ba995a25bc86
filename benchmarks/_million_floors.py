"""What a bulk append cannot be faster than: the tokenizer alone, the full-text index alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from time import process_time

from benchmarks._conversation import Dict
from context_compaction import Budget, Message, Session
from context_compaction.archive.sql.search import entry_of
from context_compaction.counting import CallableCounter, TiktokenCounter
from context_compaction.text.terms import message_terms

BATCH = 1000
INDEX = "CREATE VIRTUAL TABLE found USING fts5(terms, detail = 'none', columnsize = 0, content = '')"


def floors(folder: Path, texts: Sequence[Dict]) -> dict[str, float]:
    """Messages a second of CPU of each part by itself, and of a bulk append that needs no tokenizer."""
    messages = [Message.from_openai(text) for text in texts]
    entries = [(row, entry_of(message_terms(message)).written) for row, message in enumerate(messages, 1)]
    counter = TiktokenCounter()
    counter.text("the table is loaded")
    ways: dict[str, Callable[[], object]] = {
        "the tokenizer": lambda: list(counter.each(messages)),
        "the full-text index": lambda: _index(folder / "index.db", entries),
        "a bulk append, a quarter of the characters as tokens": lambda: _append(folder / "quarter.db", texts),
    }
    return {name: len(texts) / _seconds(call) for name, call in ways.items()}


def _seconds(call: Callable[[], object]) -> float:
    call()  # whatever is loaded or remembered is there by then
    start = process_time()
    call()
    return process_time() - start


def _index(path: Path, entries: Sequence[tuple[int, str]]) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", INDEX):
        connection.execute(statement)
    for start in range(0, len(entries), BATCH):
        connection.execute("BEGIN")
        connection.executemany(
            "INSERT INTO found (rowid, terms) VALUES (?, ?)", entries[start : start + BATCH]
        )
        connection.execute("COMMIT")
    connection.close()
    path.unlink()


def _append(path: Path, texts: Sequence[Dict]) -> None:
    counter = CallableCounter(lambda text: len(text) // 4)
    with Session(path, budget=Budget(context_window=32_768), counter=counter) as session:
        for start in range(0, len(texts), BATCH):
            session.append(texts[start : start + BATCH])
    path.unlink()
