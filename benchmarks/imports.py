"""How long it takes to import this package, and the frameworks, each time in a new interpreter."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from statistics import median

from benchmarks import Table

OURS, TARGET_MS = "context_compaction", 100
PEERS = ("langchain.agents", "langchain_core.messages", "llama_index.core")
HEAVY = ("torch", "transformers", "psycopg", "langchain_core", "llama_index", "pydantic", "numpy", "tiktoken")
REPETITIONS = 11
ROOT = Path(__file__).parent.parent
SCRIPT = """
import sys, time
start = time.perf_counter()
import {module}
print((time.perf_counter() - start) * 1000, *(name for name in {heavy} if name in sys.modules))
"""


def run(data: Path | None, *, quick: bool = False) -> Table:  # noqa: ARG001 - nothing is read
    """Medians in milliseconds; a framework that is not installed is left out."""
    repetitions = 1 if quick else REPETITIONS
    modules = [OURS, *([] if quick else [name for name in PEERS if find_spec(name.partition(".")[0])])]
    taken: dict[str, list[float]] = {module: [] for module in modules}
    brought: dict[str, list[str]] = {}
    with tempfile.TemporaryDirectory() as cache:
        for _ in range(repetitions + 1):  # the first round compiles to bytecode and does not count
            for module in modules:
                time, *brought[module] = _imported(module, cache)
                taken[module].append(float(time))
    medians = {module: median(taken[module][1:]) for module in modules}
    rows = [
        [
            module,
            f"{medians[module]:.0f}",
            f"{medians[module] / medians[OURS]:.1f}x",
            ", ".join(brought[module]) or "none",
            TARGET_MS if module == OURS else "",
        ]
        for module in modules
    ]
    notes = [
        f"{repetitions} new interpreters each, in turn, from bytecode; the interpreter's start is not in it"
    ]
    return Table("Import", ("", "median ms", "ratio", "brings along", "target"), rows, notes)


def _imported(module: str, cache: str) -> list[str]:
    command = [sys.executable, "-c", SCRIPT.format(module=module, heavy=HEAVY)]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = cache
    return subprocess.run(  # noqa: S603 - this very interpreter
        command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True
    ).stdout.split()
