"""Vectors in an archive, by the length of the log: storing, searching, size; beside a store in memory."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks import Contest, Skipped, Table
from benchmarks._stopwatch import milliseconds, race, timed
from context_compaction.archive import SQLiteArchive, VectorModel
from context_compaction.testing.archive_rows import Writer

LENGTHS, SEARCHES, DIMENSION = (1000, 10_000, 100_000), 20, 384
BATCH = 1000
BORNE = 10_000
"""Vectors that the store in memory is asked to hold: it takes seconds a search beyond."""
OURS, MEMORY = "ours", "InMemoryVectorStore"


def run(data: Path | None, *, quick: bool = False) -> Table:  # noqa: ARG001 - the vectors are made here
    """A column for each length of the log; `Skipped` without numpy."""
    if find_spec("numpy") is None:
        raise Skipped("numpy is not installed")
    lengths, searches = ((8, 16), 2) if quick else (LENGTHS, SEARCHES)
    with tempfile.TemporaryDirectory() as folder, SQLiteArchive(Path(folder) / "a.db") as archive:
        writers = [Writer.of(archive, str(length)) for length in lengths]
        measured = [
            _measured(archive, writer, length, searches)
            for writer, length in zip(writers, lengths, strict=True)
        ]
        again = [_searched(archive, writers[0], searches), *[""] * (len(lengths) - 1)]
    names = (
        "storing: vectors / s",
        "bytes a vector in the file",
        "first search, which reads them: ms",
        "search: ms",
        "LangChain's InMemoryVectorStore: ms",
    )
    rows = [list(row) for row in zip(names, *measured, strict=True)]
    rows.append(["search, once all the others are there too: ms", *again])
    notes = [
        f"random vectors of {DIMENSION} numbers, {BATCH} a transaction; all sessions in one file",
        f"median of {searches} searches for the nearest 300 of one session; ours exact, on one thread",
    ]
    contest = Contest("search: ms", ["LangChain's InMemoryVectorStore: ms"], less=list(map(str, lengths)))
    return Table("Vectors, by messages in the session", ("", *map(str, lengths)), rows, notes, [contest])


def _measured(archive: SQLiteArchive, writer: Writer, length: int, searches: int) -> list[str]:
    for start in range(0, length, BATCH):
        writer.say(*(f"text {number}" for number in range(start, min(start + BATCH, length))))
    before, seconds, made = _bytes(archive), 0.0, _vectors(length)
    for start in range(0, length, BATCH):
        batch = {f"m:{start + place}": next(made) for place in range(1, min(BATCH, length - start) + 1)}
        began = perf_counter()
        archive.add_vectors(writer.branch, _MODEL, batch)
        seconds += perf_counter() - began
    size = (_bytes(archive) - before) / length
    began = perf_counter()
    archive.nearest(writer.branch, _MODEL, next(made))
    first = (perf_counter() - began) * 1000
    return [
        f"{length / seconds:.0f}",
        f"{size:.0f}",
        f"{first:.1f}",
        _searched(archive, writer, searches),
        _in_memory(length, searches),
    ]


def _searched(archive: SQLiteArchive, writer: Writer, searches: int) -> str:
    asked = _vectors(-1)
    step = timed(OURS, lambda: archive.nearest(writer.branch, _MODEL, next(asked)))
    return milliseconds(race([step], searches, warm_up=1)[OURS])


def _in_memory(length: int, searches: int) -> str:
    if find_spec("langchain_core") is None or length > BORNE:
        return "-"
    from langchain_core.embeddings import FakeEmbeddings
    from langchain_core.vectorstores import InMemoryVectorStore

    store: Any = InMemoryVectorStore(FakeEmbeddings(size=DIMENSION))
    for place, vector in enumerate(islice(_vectors(length), length)):
        store.store[str(place)] = {"id": str(place), "vector": vector, "text": "", "metadata": {}}
    asked = _vectors(-1)
    step = timed(MEMORY, lambda: store.similarity_search_by_vector(next(asked), k=300))
    return milliseconds(race([step], min(searches, 5), warm_up=1)[MEMORY])


_MODEL = VectorModel("random", DIMENSION)


def _vectors(seed: int) -> Iterator[list[float]]:
    import numpy as np

    source = np.random.default_rng(abs(seed))
    while True:
        yield from source.standard_normal((BATCH, DIMENSION)).tolist()


def _bytes(archive: SQLiteArchive) -> int:
    """Of the file, without what waits in the write-ahead log."""
    connection = archive._connections.get()  # noqa: SLF001
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return Path(archive.path).stat().st_size
