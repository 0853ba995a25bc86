"""SQLite on a file beside PostgreSQL: the same archive of many sessions, written to and searched."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path
from time import perf_counter

from benchmarks import Skipped, Table
from benchmarks._said import said
from benchmarks._stopwatch import Stopwatch, milliseconds, race, timed
from context_compaction import Archive, Budget, Message, Session, open_archive
from context_compaction.recall import recall
from context_compaction.testing.archive_rows import Writer

COUNT, SHORT = 20_000, 1000
"""Messages in the archive, and in each of its short sessions; a tenth of all is in a long one."""
BATCH, STEPS = 500, 100


def run(data: Path | None, archive: str | None = None, messages: str | None = None) -> Table:
    """``archive`` is the address of an empty schema, ``messages`` how many to store."""
    if archive is None:
        raise Skipped("no server; name the address of an empty schema with --archive postgresql://...")
    count = COUNT if messages is None else int(messages)
    messages_said, queries = said(data)
    texts = [Message.from_openai(message).text for message in messages_said]
    with tempfile.TemporaryDirectory() as folder:
        columns = [_measured(place, count, texts, queries) for place in (f"{folder}/archive.db", archive)]
    rows = [[name, *(column[name] for column in columns)] for name in columns[0]]
    notes = [
        f"{count:,} messages: a tenth in one session, the others in sessions of {SHORT:,}; {BATCH} an append",
        "each append is on disk when it returns, as far as file and server are set to that",
        "medians; p95 of as many searches as there are appends" if data else "texts are made, without data",
    ]
    return Table("SQLite and PostgreSQL", ("", "SQLite", "PostgreSQL"), rows, notes)


def _measured(place: str, count: int, texts: Sequence[str], queries: Sequence[str]) -> dict[str, str]:
    with open_archive(place) as archive:
        if archive.sessions():
            raise Skipped("the archive has sessions already; name an empty one")
        stream = (Message("user", text) for text in cycle(texts))
        seconds = _fill(archive, count, stream)
        long, short = (Writer.of(archive, name) for name in ("long", "short 0"))
        asked = cycle(queries)
        session = Session(archive, "turns", budget=Budget(32_768), counter="approximate")
        contenders: dict[str, Callable[[], object]] = {
            "a durable append": lambda: short.append(next(stream)),
            "a turn: append and context": lambda: _turn(session, next(stream)),
            "recall, a short session": lambda: recall(archive, short.branch, next(asked), 8),
            "recall, the long session": lambda: recall(archive, long.branch, next(asked), 8),
            "whether another writer was here": lambda: archive.tip(short.branch),
            "opening archive and session": lambda: _open(place),
        }
        watch = race([timed(name, call) for name, call in contenders.items()], STEPS, warm_up=5)
        session.close()
    return {"bulk, messages / s": f"{count / seconds:.0f}"} | _told(watch, list(contenders))


def _told(watch: Stopwatch, names: Sequence[str]) -> dict[str, str]:
    told: dict[str, str] = {}
    for name in names:
        told[f"{name}: p50 ms"] = milliseconds(watch[name])
        if name.startswith("recall"):
            told[f"{name}: p95 ms"] = milliseconds(watch.percentile(name, 95))
    return told


def _fill(archive: Archive, count: int, stream: Iterator[Message]) -> float:
    start = perf_counter()
    sizes = [("long", count // 10)] + [(f"short {n}", SHORT) for n in range(count * 9 // 10 // SHORT)]
    for name, size in sizes:
        writer = Writer.of(archive, name)
        for _ in range(0, size, BATCH):
            writer.append(*islice(stream, BATCH))
    return perf_counter() - start


def _turn(session: Session, message: Message) -> None:
    session.append([message])
    session.context()


def _open(place: str) -> None:
    with open_archive(place) as archive:
        archive.open_session("default", "short 1")
