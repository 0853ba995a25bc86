"""One benchmark, run in this process or in one of its own: whatever happens is an outcome."""

from __future__ import annotations

import importlib
import inspect
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from benchmarks._machine import load, without_paths
from benchmarks._outcome import Outcome
from benchmarks._table import Skipped, Table

ROOT = Path(__file__).parent.parent


def ran(name: str, data: Path | None, own: Mapping[str, str]) -> Outcome:
    """The benchmark, here and now. ``own``: options, of which each takes those that it knows."""
    blank, began, before = unrun(name), time.perf_counter(), load()

    def became(outcome: Outcome) -> Outcome:
        seconds = round(time.perf_counter() - began, 1)
        return replace(outcome, seconds=seconds, date=today(), load=(before, load()))

    try:
        return became(replace(blank, became="measured", reason="", table=_table(name, data, own)))
    except Skipped as reason:
        return became(replace(blank, became="skipped", reason=without_paths(str(reason))))
    except Exception as error:  # noqa: BLE001 - one that fails does not take the others with it
        reason = without_paths(f"{type(error).__name__}: {error}")
        return became(replace(blank, became="failed", reason=reason))


def ran_apart(name: str, data: Path | None, limit: float) -> Outcome:
    """The same in a process of its own, stopped after ``limit`` seconds; it may die without a word."""
    began, before = time.perf_counter(), load()
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "outcome.json"
        command = [sys.executable, "-m", "benchmarks", name, "--json", str(told)]
        command += [] if data is None else ["--data", str(data.resolve())]
        try:
            subprocess.run(command, cwd=ROOT, timeout=limit, check=False, capture_output=True)  # noqa: S603
            return Outcome.of_json(json.loads(told.read_text(encoding="utf-8")))
        except subprocess.TimeoutExpired:
            reason = f"stopped after {limit:.0f} s"
        except FileNotFoundError:
            reason = "its process ended without a word"
    return replace(
        unrun(name),
        became="failed",
        reason=reason,
        seconds=round(time.perf_counter() - began, 1),
        date=today(),
        load=(before, load()),
    )


def today() -> str:
    """In UTC."""
    return datetime.now(UTC).date().isoformat()


def unrun(name: str, reason: str = "not measured yet") -> Outcome:
    """Nothing has come of it so far."""
    about = (importlib.import_module(f"benchmarks.{name}").__doc__ or "").strip().splitlines()[0]
    return Outcome(name, about, "not run", f"python -m benchmarks {name}", reason)


def _table(name: str, data: Path | None, own: Mapping[str, str]) -> Table:
    run = importlib.import_module(f"benchmarks.{name}").run
    known = inspect.signature(run).parameters
    return run(data, **{option: value for option, value in own.items() if option in known})
