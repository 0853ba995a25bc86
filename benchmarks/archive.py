"""The SQLite archive on a file: durable appends, bulk appends, opening a session, size."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from statistics import fmean
from time import perf_counter
from unittest.mock import patch

from benchmarks import Table
from benchmarks._conversation import Dict, messages
from benchmarks._stopwatch import Stopwatch, milliseconds, race, timed
from context_compaction import Budget, Policy, Session, SQLiteArchive
from context_compaction.archive.sqlite import trailing
from context_compaction.counting import TiktokenCounter

LENGTHS, APPENDS, OPENINGS = (1000, 10_000, 100_000), 200, 5
BATCH = 1000
WINDOW = 32_768
AT_ONCE = "append, each indexed at once"


def run(data: Path | None, *, quick: bool = False) -> Table:  # noqa: ARG001 - the conversation is made here
    """A column for each length of the log."""
    lengths, appends, openings = ((8, 16), 4, 2) if quick else (LENGTHS, APPENDS, OPENINGS)
    with tempfile.TemporaryDirectory() as folder:
        measured = [_measured(Path(folder) / f"{n}.db", n, appends, openings) for n in lengths]
    names = (
        "durable appends: p50 ms",
        "durable appends: p95 ms",
        "durable appends: mean ms",
        "each indexed at once: p50 ms",
        "each indexed at once: mean ms",
        "bulk append: messages / s",
        "opening, compacted: ms",
        "opening, whole log in view: ms",
        "file / text as JSON",
        "file, MB",
    )
    rows = [list(row) for row in zip(names, *measured, strict=True)]
    notes = [
        f"{appends} appends to the full log, each on disk when it returns (WAL, synchronous=FULL)",
        f"each indexed at once: a copy whose index takes each message alone, not {trailing.BATCH} together",
        f"bulk: {BATCH} messages an append; compacted to {WINDOW} tokens; median of {openings} openings",
        "the file holds the log with its hash chain, the search index and the views",
    ]
    return Table("SQLite archive on a file, by messages in the log", ("", *map(str, lengths)), rows, notes)


def _measured(path: Path, length: int, appends: int, openings: int) -> list[str]:
    counter, stream = TiktokenCounter(), messages()
    said = list(islice(stream, length))
    with Session(
        path, budget=Budget(context_window=WINDOW), policy=Policy.truncating(), counter=counter
    ) as session:
        session.append(said[:1])
        seconds = _bulk(session, said[1:])
        whole = race([timed("open", lambda: _open(path))], openings, warm_up=1)["open"]
        session.compact()
        compacted = race([timed("open", lambda: _open(path))], openings, warm_up=1)["open"]
        watch = _appending(session, path.with_suffix(".copy"), stream, appends)

    def mean(name: str) -> float:
        return fmean(watch.times[name])

    size = path.stat().st_size
    text = sum(len(json.dumps(message)) for message in said)
    return [
        milliseconds(watch["append"]),
        milliseconds(watch.percentile("append", 95)),
        *(milliseconds(found) for found in (mean("append"), watch[AT_ONCE], mean(AT_ONCE))),
        f"{len(said[1:]) / seconds:.0f}",
        milliseconds(compacted),
        milliseconds(whole),
        f"{size / text:.2f}x",
        f"{size / 1e6:.1f}",
    ]


def _appending(session: Session, copy: Path, stream: Iterator[Dict], appends: int) -> Stopwatch:
    """One message at a time, and the same to a copy whose index takes each as it comes."""
    session.archive.backup(copy)
    with Session(copy, budget=session.budget, policy=session.policy, counter=session.counter) as other:

        def at_once(message: Dict) -> None:
            with patch.object(trailing, "BATCH", 1):
                other.append([message])

        steps = [
            timed("append", lambda: session.append([next(stream)])),
            timed(AT_ONCE, lambda: at_once(next(stream))),
        ]
        return race(steps, appends)


def _bulk(session: Session, said: list[Dict]) -> float:
    start = perf_counter()
    for place in range(0, len(said), BATCH):
        session.append(said[place : place + BATCH])
    return perf_counter() - start


def _open(path: Path) -> None:
    with SQLiteArchive(path) as archive:
        Session(archive, budget=Budget(context_window=WINDOW)).close()
