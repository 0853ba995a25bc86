"""What other middlewares were seen to lose, break or repeat: played again, as installed, beside ours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import Skipped, Table

if TYPE_CHECKING:
    from benchmarks._failures import Failure


def run(data: Path | None, *, quick: bool = False) -> Table:  # noqa: ARG001 - the conversations are made here
    """A row for each failure: what happens with theirs, and with ours."""
    try:
        from benchmarks._contenders import OURS
        from benchmarks._failures import FAILURES
    except ImportError as error:
        raise Skipped(f"{error.name} is not installed, so there is nothing to compare with") from None
    langmem = _langmem()
    found = FAILURES[:3] if quick else [*FAILURES, *langmem]

    def rows() -> Iterator[list[object]]:
        for failure in found:
            name = failure.seen_in
            yield [failure.title, name, failure.outcome(name), failure.outcome(OURS)]

    packages = ["langchain", "langchain-core", "langgraph", "deepagents", *(["langmem"] if langmem else [])]
    notes = [
        ", ".join(f"{package} {version(package)}" for package in packages),
        *([] if langmem else ["langmem is not installed: what was seen in it is left out"]),
        "requests are checked as strictly as OpenAI and Anthropic do: 'raises Rejected' is status 400 there",
        "summaries by a scripted model; defaults but for trigger and keep",
    ]
    return Table("Played again", ["what", "seen in", "theirs", "ours"], list(rows()), notes)


def _langmem() -> Sequence[Failure]:
    """Those of a package that brings two providers' along, and so is nobody's dependency here."""
    try:
        from benchmarks._langmem import FAILURES
    except ImportError:
        return ()
    return FAILURES
