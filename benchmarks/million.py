"""One archive from 10,000 to 1,000,000 messages in many sessions: what grows with it, and how."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from time import perf_counter, process_time

from benchmarks import Table
from benchmarks._conversation import Dict
from benchmarks._million_floors import floors
from benchmarks._million_peers import PEERS
from benchmarks._said import said
from benchmarks._stopwatch import Step, Stopwatch, milliseconds, race
from context_compaction import Archive, Budget, Session, open_archive
from context_compaction.counting import TiktokenCounter

SIZES, SHORT, LONG_SHARE = (10_000, 100_000, 1_000_000), 200, 50
"""Messages in the archive and in each of its short sessions; one in fifty of all is in a long one."""
BATCH, STEPS = 1000, 100
BUDGET = Budget(context_window=32_768)
CPU = "CPU"
Column = Mapping[str, float]


def run(data: Path | None, messages: str | None = None, *, quick: bool = False) -> Table:
    """A column for each size. ``messages``: the largest."""
    sizes, steps = ((200, 400), 2) if quick else (SIZES, STEPS)
    if messages is not None:
        sizes = sorted({*(size for size in sizes if size < int(messages)), int(messages)})
    texts, queries = said(data)
    with tempfile.TemporaryDirectory() as folder:
        ours = _grown(Path(folder) / "archive.db", sizes, steps, texts, queries)
        alone = floors(Path(folder), texts[:200] if quick else texts)
    columns = list(zip(sizes, ours, strict=True))
    rows = [
        [name, *(_cell(column, name) for _, column in columns), _growth(columns, name)] for name in ours[0]
    ]
    for peer in PEERS:
        found = [(size, peer(size, steps, texts, queries)) for size in sizes]
        rows += [
            [name, *(_cell(one, name) for _, one in found), _growth(found, name)] for name in found[0][1]
        ]
    rows += [
        [f"alone: {name}, messages / s of CPU", f"{speed:,.0f}", *[""] * len(sizes)]
        for name, speed in alone.items()
    ]
    notes = [
        f"sessions of {SHORT}, and one with {100 // LONG_SHARE} % of all; at most {BATCH} messages an append",
        f"each append is on disk when it returns; {steps} of each; opening: archive and session",
        "the last column is k of n^k, from the first size to the last",
        "InMemoryStore is given vectors that cost nothing to make; neither peer keeps anything on disk",
        "CPU: all threads, whatever else runs; alone: what a bulk append cannot be faster than, part by part",
    ]
    return Table(
        "A growing archive on SQLite, by messages in it", ("", *(f"{n:,}" for n in sizes), "k"), rows, notes
    )


@dataclass(slots=True)
class _Growing:
    """An archive on its way to a size."""

    archive: Archive
    stream: Iterator[Dict]
    counter: TiktokenCounter = field(default_factory=TiktokenCounter)
    sessions: int = 0
    messages: int = 0

    def session(self, name: str) -> Session:
        return Session(self.archive, name, budget=BUDGET, counter=self.counter)

    def grow(self, size: int) -> Column:
        """To so many messages."""
        clock, cpu, added = perf_counter(), process_time(), size - self.messages
        missing = size // LONG_SHARE - self.messages // LONG_SHARE
        self._say("long", missing)
        for _ in range(0, added - missing, SHORT):
            self._say(f"short {self.sessions}", SHORT)
            self.sessions += 1
        self.messages = size
        return {
            "bulk append: messages / s": added / (perf_counter() - clock),
            "bulk append: messages / s of CPU": added / (process_time() - cpu),
        }

    def _say(self, name: str, count: int) -> None:
        with self.session(name) as session:
            for done in range(0, count, BATCH):
                session.append(list(islice(self.stream, min(BATCH, count - done))))


def _grown(
    path: Path, sizes: Sequence[int], steps: int, texts: Sequence[Dict], queries: Sequence[str]
) -> list[Column]:
    with open_archive(path) as archive:
        growing = _Growing(archive, cycle(texts))
        growing.counter.text("the table is loaded")
        return [_measured(path, growing, size, steps, cycle(queries)) for size in sizes]


def _measured(path: Path, growing: _Growing, size: int, steps: int, queries: Iterator[str]) -> Column:
    found = {**growing.grow(size), "file, MB": path.stat().st_size / 1e6}
    written, short, long = (
        growing.session(f"turns {size}"),
        growing.session("short 1"),
        growing.session("long"),
    )
    written.append(list(islice(growing.stream, SHORT)))
    ways: dict[str, Callable[[], object]] = {
        "a durable append": lambda: written.append([next(growing.stream)]),
        "a durable turn: append and context": lambda: _turn(written, next(growing.stream)),
        "recall, a session of 200": lambda: short.recall(next(queries)),
        "recall, the long session": lambda: long.recall(next(queries)),
        "opening": lambda: _open(path),
    }
    ways["recall, the whole namespace"] = lambda: short.recall(next(queries), scope="namespace")
    watch = race([_step(name, call) for name, call in ways.items()], steps, warm_up=5)
    for name in ways:
        found[f"{name}: p50 ms"] = watch[name]
        found[f"{name}: p95 ms"] = watch.percentile(name, 95)
        found[f"{name}: p50 CPU ms"] = watch[name, CPU]
    return found


def _step(name: str, call: Callable[[], object]) -> Step:
    """Timed twice, as others may be at work on the machine."""

    def step(watch: Stopwatch) -> None:
        cpu = process_time()
        watch.start()
        call()
        watch.lap(name)
        watch.times[name, CPU].append((process_time() - cpu) * 1000)

    return step


def _turn(session: Session, message: Dict) -> None:
    session.append([message])
    session.context()


def _open(path: Path) -> None:
    with open_archive(path) as archive:
        Session(archive, "short 1", budget=BUDGET).close()


def _cell(column: Column, name: str) -> str:
    if name not in column:
        return "-"
    return milliseconds(column[name]) if name.endswith("ms") else f"{column[name]:,.0f}"


def _growth(columns: Sequence[tuple[int, Column]], name: str) -> str:
    """The exponent by which a number grows with the messages, between the first and the last there is."""
    known = [(size, column[name]) for size, column in columns if column.get(name)]
    if len(known) < 2:
        return ""
    (first, least), (last, most) = known[0], known[-1]
    return f"{math.log(most / least) / math.log(last / first):.2f}"
