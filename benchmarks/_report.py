"""``python -m benchmarks report``: every benchmark in a process of its own, into one JSON file and one page.

The file is written after each part, so that an interrupted run goes on with ``--resume``; ``--only`` measures
some anew and keeps what is known of the others.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from benchmarks._machine import machine, versions
from benchmarks._markdown import page
from benchmarks._outcome import Outcome, Report
from benchmarks._running import ROOT, ran_apart, today, unrun

ORDER = (
    "quality", "recall", "evidence", "fidelity", "turn", "middleware", "memories", "llamaindex_memories",
    "in_turn", "prefixes", "rungs", "counting", "losses", "peers", "imports", "archive", "backends",
    "vectors", "looking", "sync", "drafter", "checking", "ablation", "long_texts",
)  # fmt: skip
"""As the page has them; what is not named here comes behind."""
LONG = {
    "drafter_gpu": "it needs a GPU",
    "million": "it takes long and much disk",
    "sizes": "it takes long and much memory",
}
"""Not run unless asked for by name, or all."""
LIMIT = 3600
"""Seconds that one may take."""


def main(arguments: Sequence[str], names: Sequence[str], data: Path | None) -> int:
    """Make the report of these benchmarks; 1 if a part failed. ``data``: where ``--data`` is not given."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks report", description="Measure, and write one report."
    )
    parser.add_argument("--data", type=Path, default=data, metavar="DIR", help="conversations")
    parser.add_argument("--only", type=_listed, metavar="A,B", help="measure these anew, keep the others")
    parser.add_argument("--resume", action="store_true", help="measure what has no table yet")
    parser.add_argument("--all", action="store_true", help=f"also what takes long: {', '.join(LONG)}")
    parser.add_argument("--render", action="store_true", help="measure nothing: the page from the file")
    parser.add_argument("--out", type=Path, default=ROOT / "docs", metavar="DIR", help="(default: docs)")
    options = parser.parse_args(arguments)
    if unknown := set(options.only or ()) - set(names):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    if options.data is not None and not options.data.is_dir():
        parser.error(f"--data {options.data} is no folder")
    file = options.out / "benchmarks.json"
    if options.render and not file.exists():
        parser.error(f"there is no {file} to make a page of")
    keeps = file.exists() and (options.only or options.resume or options.render)
    known = Report.read(file) if keeps else None
    if options.render and known is not None:
        _page(known, options.out)
        return 0
    wanted = options.only or [name for name in names if options.all or name not in LONG]
    report = planned(names, known)
    if options.resume:
        wanted = [part.name for part in report.parts if part.name in wanted and part.table is None]
    report.write(file)
    for part in report.parts:
        if part.name in wanted:
            report = report.having(_told(ran_apart(part.name, options.data, LIMIT)))
            report.write(file)
    _page(report, options.out)
    return int(any(part.became == "failed" for part in report.parts))


def planned(names: Sequence[str], known: Report | None = None) -> Report:
    """A report of this machine with what is known of each part already."""
    ordered = sorted(names, key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))
    parts = [
        (known and known.part(name)) or unrun(name, LONG.get(name, "not measured yet")) for name in ordered
    ]
    return Report("make bench", today(), machine(), versions(), parts)


def _told(outcome: Outcome) -> Outcome:
    print(f"{outcome.name}: {outcome.became} {outcome.reason} ({outcome.seconds:.0f} s)", flush=True)
    return outcome


def _page(report: Report, folder: Path) -> None:
    (folder / "benchmarks.md").write_text(page(report), encoding="utf-8")


def _listed(text: str) -> list[str]:
    return text.split(",")
