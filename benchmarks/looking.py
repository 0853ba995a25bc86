"""Looking things up in a long log: recall and its bounds and pages, grep, description."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from statistics import median
from time import process_time

from benchmarks import Table
from benchmarks._conversation import messages
from benchmarks._stopwatch import milliseconds
from context_compaction import Budget, Policy, Session
from context_compaction.counting import CallableCounter

LENGTHS, REPETITIONS = (10_000, 100_000), 15
QUERY, NEEDLE, EXPRESSION = "which ticket renamed the payment shard?", "HM-4127", r"HM-\d+ is (closed|open)"
MINUTE = 60.0


def run(data: Path | None, *, quick: bool = False) -> Table:  # noqa: ARG001 - the conversation is made here
    """A column for each length of the log."""
    lengths, repetitions = ((40, 80), 2) if quick else (LENGTHS, REPETITIONS)
    with tempfile.TemporaryDirectory() as folder:
        measured = [_measured(Path(folder) / f"{n}.db", n, repetitions) for n in lengths]
    names = [name for name, _ in measured[0]]
    rows = [[name, *(dict(column)[name] for column in measured)] for name in names]
    notes = [
        "CPU time: median ms, but for grep seconds for the whole log, all its pages",
        "a day is a hundredth of the log, a range its second half; second page: after 100 more messages",
    ]
    return Table(
        "Looking up in a session on a file, by messages in the log", ("", *map(str, lengths)), rows, notes
    )


def _measured(path: Path, length: int, repetitions: int) -> list[tuple[str, str]]:
    counter = CallableCounter(lambda text: len(text) // 4)
    budget = Budget(context_window=32_768)
    stream = messages()
    with Session(path, budget=budget, policy=Policy.truncating(), counter=counter) as session:
        for start in range(0, length, 1000):
            said = list(islice(stream, min(1000, length - start)))
            session.append([{**one, "timestamp": MINUTE * (start + n)} for n, one in enumerate(said)])
        session.compact()
        day = [datetime.fromtimestamp(MINUTE * length * part / 100, UTC) for part in (50, 51)]
        cursor = session.recall_page(QUERY, max_tokens=400).next
        session.append([{"role": "user", "content": f"and then {number}"} for number in range(100)])
        ways: dict[str, Callable[[], object]] = {
            "recall": lambda: session.recall(QUERY),
            "recall, a range": lambda: session.recall(QUERY, after=length // 2, before=length),
            "recall, a day": lambda: session.recall(QUERY, after=day[0], before=day[1]),
            "recall, a page": lambda: session.recall_page(QUERY),
            "recall, second page": lambda: session.recall_page(QUERY, cursor=cursor),
            "expand, a page": lambda: session.expand_page(f"m:1-m:{length}"),
            "describe": lambda: session.describe().text(),
        }
        return [
            *((name, milliseconds(_median(call, repetitions))) for name, call in ways.items()),
            ("grep, a literal: s", f"{_seconds(session, NEEDLE, regex=False):.2f}"),
            ("grep, an expression: s", f"{_seconds(session, EXPRESSION, regex=True):.2f}"),
        ]


def _median(call: Callable[[], object], repetitions: int) -> float:
    call()
    times: list[float] = []
    for _ in range(repetitions):
        start = process_time()
        call()
        times.append((process_time() - start) * 1000)
    return median(times)


def _seconds(session: Session, pattern: str, *, regex: bool) -> float:
    start, cursor = process_time(), None
    while (cursor := session.grep(pattern, regex=regex, cursor=cursor).next) is not None:
        pass
    return process_time() - start
