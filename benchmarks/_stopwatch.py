"""Contenders timed in turn, so that whatever else the machine does meets them all alike."""

from __future__ import annotations

import gc
import random
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from statistics import median, quantiles
from time import perf_counter

Step = Callable[["Stopwatch"], None]
"""One repetition of a contender: it starts the watch and takes its laps."""


class Stopwatch:
    """Times by name (anything that a dict takes), in milliseconds."""

    def __init__(self) -> None:
        self.times: dict[Hashable, list[float]] = defaultdict(list)
        self._since = 0.0

    def start(self) -> None:
        """Time runs from here."""
        self._since = perf_counter()

    def lap(self, name: Hashable) -> float:
        """What ran since `start` or the last lap was ``name``."""
        taken = (perf_counter() - self._since) * 1000
        self.times[name].append(taken)
        self._since = perf_counter()
        return taken

    def __getitem__(self, name: Hashable) -> float:
        return median(self.times[name])

    def percentile(self, name: Hashable, percent: int) -> float:
        """The time that so many percent of the laps stayed under."""
        return quantiles(self.times[name], n=100, method="inclusive")[percent - 1]


def timed(name: Hashable, call: Callable[[], object]) -> Step:
    """A contender that is one call."""

    def step(watch: Stopwatch) -> None:
        watch.start()
        call()
        watch.lap(name)

    return step


def race(steps: Sequence[Step], repetitions: int, *, warm_up: int = 3) -> Stopwatch:
    """So many rounds, after a few that do not count, each with all contenders in another order.

    The order matters: who runs after somebody with a lot of data finds the processor's caches cold.
    """
    chance, watch = random.Random(0), Stopwatch()
    for number in range(warm_up + repetitions):
        if number == warm_up:
            gc.collect()
            watch.times.clear()
        for step in chance.sample(steps, len(steps)):
            step(watch)
    return watch


def milliseconds(value: float) -> str:
    """A time as a table shows it: three digits that count."""
    return f"{value:.3f}" if value < 1 else f"{value:.2f}" if value < 100 else f"{value:.0f}"


def times(value: float) -> str:
    """A ratio as a table shows it."""
    return f"{value:.2f}x" if value < 10 else f"{value:.0f}x"
