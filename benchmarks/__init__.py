"""Measurements: ``python -m benchmarks [name ...] [--data DIR]``.

A benchmark is a module of this package without an underscore, with ``run(data: Path | None) -> Table``; it
raises `Skipped` with a reason when it lacks data or a package. ``data`` is None when the folder is absent.
"""

from benchmarks._table import Skipped, Table

__all__ = ["Skipped", "Table"]
