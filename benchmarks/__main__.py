"""``python -m benchmarks [name ...] [--data DIR] [--drafter PATH] [--archive PLACE]``: a table of each.

``python -m benchmarks report [--data DIR] [--only A,B] [--resume]``: all, as docs/benchmarks.json and .md.
"""

from __future__ import annotations

import argparse
import json
import pkgutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

import benchmarks
from benchmarks import _report
from benchmarks._outcome import Outcome
from benchmarks._running import ran
from benchmarks._table import show

DEFAULT_DATA = Path(__file__).parent.parent / ".." / "shared" / "data"


def names() -> list[str]:
    """Every benchmark there is."""
    return sorted(
        module.name for module in pkgutil.iter_modules(benchmarks.__path__) if module.name[0] != "_"
    )


def main(arguments: list[str] | None = None) -> int:
    """Run what was named, or all; 1 if one of them failed."""
    given = sys.argv[1:] if arguments is None else arguments
    if given[:1] == ["report"]:
        return _report.main(given[1:], names(), DEFAULT_DATA if DEFAULT_DATA.is_dir() else None)
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
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write what came of it there, too (one name)"
    )
    options = parser.parse_args(given)
    if unknown := set(options.name) - set(names()):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(names())}")
    if options.json is not None and len(options.name) != 1:
        parser.error("--json takes one name")
    if options.data is not None and not options.data.is_dir():
        parser.error(f"--data {options.data} is no folder")
    data = options.data or DEFAULT_DATA
    found = data if data.is_dir() else None
    asked = {"drafter": options.drafter, "archive": options.archive, "messages": options.messages}
    own = {name: value for name, value in asked.items() if value is not None}
    return max([_run(name, found, own, options.json) for name in options.name or names()], default=0)


def _run(name: str, data: Path | None, own: Mapping[str, str], file: Path | None) -> int:
    outcome = ran(name, data, own)
    if file is not None:
        file.write_text(json.dumps(outcome.as_json(), ensure_ascii=False), encoding="utf-8")
    if outcome.table is None:
        print(f"{name}: {outcome.became}, {outcome.reason}\n", file=_stream(outcome))
    else:
        show(outcome.table)
        print(f"({name}: {outcome.seconds:.1f} s)\n")
    return int(outcome.became == "failed")


def _stream(outcome: Outcome) -> TextIO:
    return sys.stderr if outcome.became == "failed" else sys.stdout


if __name__ == "__main__":
    sys.exit(main())
