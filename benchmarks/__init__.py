"""Measurements: ``python -m benchmarks [name ...] [--data DIR] [--drafter PATH]``; of all: ``report``.

A benchmark is a module of this package without an underscore, with ``run(data: Path | None) -> Table``; it
raises `Skipped` with a reason when it lacks data or a package. ``data`` is None when the folder is absent;
``drafter``, where a benchmark takes it, is the path of a local model.
"""

from benchmarks._contest import Contest
from benchmarks._table import Skipped, Table

__all__ = ["Contest", "Skipped", "Table"]
