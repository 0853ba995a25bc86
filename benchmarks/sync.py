"""`Session.sync`: a list that somebody else keeps grows by a turn, and the log follows."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from benchmarks import Table
from benchmarks._conversation import Dict, messages
from benchmarks._stopwatch import Stopwatch, milliseconds, race, times
from context_compaction import Budget, Policy, Session
from context_compaction.counting import TiktokenCounter

LENGTHS, ROUNDS = (100, 1000, 10_000), 40
GROWTH = 2


def run(data: Path | None, *, quick: bool = False) -> Table:  # noqa: ARG001 - the conversation is made here
    """A column for each length of the list; appending the same two messages beside it."""
    lengths, rounds = ((8, 16), 4) if quick else (LENGTHS, ROUNDS)
    measured = [_measured(length, rounds) for length in lengths]
    names = ("append alone", "sync, with ids", "sync, without ids", "sync, nothing new", "sync, first time")
    rows = [[name, *(milliseconds(watch[name]) for watch in measured)] for name in names]
    rows.append(["sync with ids / append", *(times(watch[names[1]] / watch[names[0]]) for watch in measured)])
    title = f"A list grown by {GROWTH} messages: ms, medians of {rounds}, archive in memory"
    return Table(title, ["what", *(f"{length:,} messages" for length in lengths)], rows)


def _measured(length: int, rounds: int) -> Stopwatch:
    history = list(islice(messages(), length + GROWTH * (rounds + 4)))
    contenders = [
        _Growing("append alone", _named(history), length),
        _Growing("sync, with ids", _named(history), length),
        _Growing("sync, without ids", history, length),
    ]
    watch = race([contender.step for contender in contenders], rounds)
    for _ in range(rounds):
        watch.start()
        contenders[1].again()
        watch.lap("sync, nothing new")
    for _ in range(3):
        session = _session()
        session.append(history[:length])
        watch.start()
        session.sync(history[:length])
        watch.lap("sync, first time")
    return watch


class _Growing:
    """A session that is told of a longer list each time."""

    def __init__(self, name: str, history: list[Dict], length: int) -> None:
        self._name, self._history, self._length = name, history, length
        self._session = _session()
        self._session.sync(history[:length])

    def step(self, watch: Stopwatch) -> None:
        before, self._length = self._length, self._length + GROWTH
        grown = self._history[: self._length]
        watch.start()
        if self._name.startswith("append"):
            self._session.append(grown[before:])
        else:
            self._session.sync(grown)
        watch.lap(self._name)

    def again(self) -> None:
        self._session.sync(self._history[: self._length])


def _named(history: list[Dict]) -> list[Dict]:
    return [{**message, "id": f"id-{number}"} for number, message in enumerate(history)]


def _session() -> Session:
    return Session(budget=Budget(10_000_000), policy=Policy.off(), counter=TiktokenCounter())
