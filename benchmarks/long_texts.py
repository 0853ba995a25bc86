"""One message of 5 MB, of every kind that patterns and tokenizers stumble over: five times a fifth of it?"""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable
from pathlib import Path

from benchmarks import Table
from benchmarks._conversation import conversation
from benchmarks._stopwatch import Stopwatch, times
from context_compaction import Budget, Session

SMALL, LARGE = 1_000_000, 5_000_000
ROUNDS = 3
WINDOW = 8192


def run(data: Path | None, *, quick: bool = False) -> Table:  # noqa: ARG001 - the texts are made here
    """A row for each kind of text."""
    sizes, rounds = ((2000, 10_000), 1) if quick else ((SMALL, LARGE), ROUNDS)
    rows = [[name, *_measured(text, sizes, rounds)] for name, text in _KINDS.items()]
    columns = ("text", "append 1 MB: s", "5 MB: s", "ratio", "context, 1 MB: s", "5 MB: s", "ratio")
    notes = [
        f"median of {rounds}, archive in memory; MB: a million characters, each of the Chinese ones 3 bytes",
        f"context: the first one behind it, which lets it go: {WINDOW} tokens, Policy.layered()",
    ]
    return Table("A long message: 5x is linear", columns, rows, notes)


def _measured(text: Callable[[int], str], sizes: tuple[int, int], rounds: int) -> list[str]:
    watch = Stopwatch()
    for _ in range(rounds):
        for size in sizes:
            _once(text(size), size, watch)
    cells: list[str] = []
    for step in ("append", "context"):
        small, large = (watch[step, size] for size in sizes)
        cells += [f"{small / 1000:.2f}", f"{large / 1000:.2f}", times(large / small)]
    return cells


def _once(text: str, size: int, watch: Stopwatch) -> None:
    later = [{"role": "assistant", "content": "Read."}, {"role": "user", "content": "Go on, please."}]
    with Session(session_id="s", budget=Budget(context_window=WINDOW)) as session:
        session.append([{"role": "user", "content": "Begin."}])
        watch.start()
        session.append([{"role": "user", "content": text}])
        watch.lap(("append", size))
        session.append(later)
        watch.start()
        session.context()
        watch.lap(("context", size))


def _repeated(unit: str) -> Callable[[int], str]:
    return lambda size: (unit * (size // len(unit) + 1))[:size]


def _prose(size: int) -> str:
    said = [str(message["content"]) for message in conversation(400)]
    return _repeated("\n".join(said))(size)


def _base64(size: int) -> str:
    return base64.b64encode(random.Random(1).randbytes(size * 3 // 4)).decode()


def _json(size: int) -> str:
    chance = random.Random(1)
    rows = (
        {"id": chance.randrange(10**9), "path": f"src/{n % 999}/x.py", "ms": n % 77}
        for n in range(size // 40)
    )
    return json.dumps(list(rows))[:size]


def _chinese(size: int) -> str:
    """Any character after any other, which no language does: many more different pairs than a book has."""
    return "".join(map(chr, random.Random(1).choices(range(0x4E00, 0x9FA5), k=size)))


_KINDS: dict[str, Callable[[int], str]] = {
    "prose and listings": _prose,
    "JSON records": _json,
    "base64": _base64,
    "one letter": _repeated("a"),
    "blanks": _repeated(" "),
    "slashes": _repeated("/"),
    "a.b": _repeated("a.b"),
    "digits": _repeated("1234567890"),
    "<": _repeated("<"),
    "random Chinese": _chinese,
}
