"""``python -m benchmarks [name ...] [--data DIR] [--drafter PATH]``: run benchmarks, print a table each."""

from __future__ import annotations

import argparse
import importlib
import inspect
import pkgutil
import sys
import time
from pathlib import Path

import benchmarks
from benchmarks._table import Skipped, show

DEFAULT_DATA = Path(__file__).parent.parent / ".." / "shared" / "data"


def names() -> list[str]:
    """Every benchmark there is."""
    return sorted(
        module.name for module in pkgutil.iter_modules(benchmarks.__path__) if module.name[0] != "_"
    )


def main(arguments: list[str] | None = None) -> int:
    """Run what was named, or all; 1 if one of them failed."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measure, and print a table each."
    )
    parser.add_argument("name", nargs="*", help=f"which ones (default: all): {', '.join(names())}")
    parser.add_argument("--data", type=Path, metavar="DIR", help="conversations (default: ../shared/data)")
    parser.add_argument(
        "--drafter", metavar="PATH", help="a local model that writes summaries too (fidelity)"
    )
    options = parser.parse_args(arguments)
    if unknown := set(options.name) - set(names()):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(names())}")
    if options.data is not None and not options.data.is_dir():
        parser.error(f"--data {options.data} is no folder")
    data = options.data or DEFAULT_DATA
    found = data if data.is_dir() else None
    return max([_run(name, found, options.drafter) for name in options.name or names()], default=0)


def _run(name: str, data: Path | None, drafter: str | None) -> int:
    start = time.perf_counter()
    try:
        run = importlib.import_module(f"benchmarks.{name}").run
        takes = {"drafter": drafter} if "drafter" in inspect.signature(run).parameters else {}
        show(run(data, **takes))
    except Skipped as reason:
        print(f"{name}: skipped, {reason}\n")
        return 0
    except Exception as error:  # noqa: BLE001  - one that fails does not take the others with it
        print(f"{name}: failed, {type(error).__name__}: {error}\n", file=sys.stderr)
        return 1
    print(f"({name}: {time.perf_counter() - start:.1f} s)\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
