"""``python -m benchmarks [name ...] [--data DIR] [--drafter PATH] [--archive PLACE]``: a table of each."""

from __future__ import annotations

import argparse
import importlib
import inspect
import pkgutil
import sys
import time
from collections.abc import Mapping
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
    parser.add_argument(
        "--archive",
        metavar="PLACE",
        help="an empty archive to measure (recall, backends): file or address",
    )
    parser.add_argument("--messages", metavar="N", help="how many to store (backends)")
    options = parser.parse_args(arguments)
    if unknown := set(options.name) - set(names()):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(names())}")
    if options.data is not None and not options.data.is_dir():
        parser.error(f"--data {options.data} is no folder")
    data = options.data or DEFAULT_DATA
    found = data if data.is_dir() else None
    given = {"drafter": options.drafter, "archive": options.archive, "messages": options.messages}
    own = {name: value for name, value in given.items() if value is not None}
    return max([_run(name, found, own) for name in options.name or names()], default=0)


def _run(name: str, data: Path | None, own: Mapping[str, str]) -> int:
    start = time.perf_counter()
    try:
        run = importlib.import_module(f"benchmarks.{name}").run
        known = inspect.signature(run).parameters
        show(run(data, **{option: value for option, value in own.items() if option in known}))
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
