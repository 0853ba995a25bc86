"""How long it takes to import this package, and the frameworks, each time in a new interpreter."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from statistics import median

from benchmarks import Contest, Table
from benchmarks._stopwatch import times

BARE, OURS, TARGET_MS = "import context_compaction", "from context_compaction import Session", 100
PEERS = (
    "from langchain.agents.middleware import SummarizationMiddleware",
    "from langchain_core.messages import trim_messages",
    "from llama_index.core.memory import Memory",
)
HEAVY = ("torch", "transformers", "psycopg", "langchain_core", "llama_index", "pydantic", "numpy", "tiktoken")
REPETITIONS = 11
ROOT = Path(__file__).parent.parent
SCRIPT = """
import sys, time
start = time.perf_counter()
{statement}
print((time.perf_counter() - start) * 1000, *(name for name in {heavy} if name in sys.modules))
"""


def run(data: Path | None, *, quick: bool = False) -> Table:  # noqa: ARG001 - nothing is read
    """Medians in milliseconds; a framework that is not installed is left out."""
    repetitions = 1 if quick else REPETITIONS
    peers = [] if quick else [peer for peer in PEERS if find_spec(peer.split()[1].partition(".")[0])]
    statements = (BARE, OURS, *peers)
    taken: dict[str, list[float]] = {statement: [] for statement in statements}
    brought: dict[str, list[str]] = {}
    with tempfile.TemporaryDirectory() as cache:
        for _ in range(repetitions + 1):  # the first round compiles to bytecode and does not count
            for statement in statements:
                time, *brought[statement] = _imported(statement, cache)
                taken[statement].append(float(time))
    medians = {statement: median(taken[statement][1:]) for statement in statements}
    rows = [
        [
            statement,
            f"{medians[statement]:.0f}",
            times(medians[statement] / medians[OURS]),
            ", ".join(brought[statement]) or "none",
            TARGET_MS if statement == BARE else "",
        ]
        for statement in statements
    ]
    notes = [
        f"{repetitions} new interpreters each, in turn, from bytecode; the interpreter's start is not in it"
    ]
    contest = Contest(OURS, PEERS, less=["median ms"])
    return Table("Import", ("", "median ms", "ratio", "brings along", "target"), rows, notes, [contest])


def _imported(statement: str, cache: str) -> list[str]:
    """Milliseconds, then the heavy modules that were loaded."""
    command = [sys.executable, "-c", SCRIPT.format(statement=statement, heavy=HEAVY)]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = cache
    return subprocess.run(  # noqa: S603 - this very interpreter
        command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True
    ).stdout.split()
