"""What a replay asks of a session, and what it reports (design §12)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.checker import Problem


class Shown(Protocol):
    """A message as the package returns it."""

    def to_openai(self) -> dict[str, Any]:
        """The message in OpenAI's chat format."""
        ...


class Replayed(Protocol):
    """What a replay asks of a session: public names only."""

    def append(self, messages: Any, /) -> Any:
        """Take messages into the log."""
        ...

    def context(self) -> Sequence[Shown]:
        """What the model sees."""
        ...

    def after_turn(self) -> Any:
        """The post-turn side."""
        ...

    def history(self) -> Sequence[Shown]:
        """The log."""
        ...

    def expand(self, ref: str, /) -> Sequence[Shown]:
        """The originals behind a reference."""
        ...

    @property
    def events(self) -> Sequence[Any]:
        """Reports of the attempts so far."""
        ...

    def close(self) -> None:
        """Give everything back."""
        ...


SessionFactory = Callable[[int, int], Replayed]
"""Makes a session for a window and a reserve, both in tokens."""


@dataclass(slots=True)
class ReplayReport:
    """What one replay came to."""

    name: str
    window: int
    preset: str
    requests: int = 0
    compactions: int = 0
    refusals: int = 0
    """Requests that ended in `CannotCompact`."""
    forced: int = 0
    """Requests whose floor, computed apart from the engine, does not fit."""
    prefix_changes: int = 0
    """Requests that do not begin with the whole previous one, compactions and recalled blocks included."""
    shares: list[float] = field(default_factory=list[float])
    problems: list[Problem] = field(default_factory=list[Problem])

    @property
    def refused_share(self) -> float:
        """`CannotCompact` as a share of all requests."""
        return self.refusals / self.requests if self.requests else 0.0

    @property
    def prefix_share(self) -> float:
        """Mean share of the previous request that the next one begins with."""
        return sum(self.shares) / len(self.shares) if self.shares else 1.0

    def rules(self) -> dict[str, int]:
        """Problems by rule."""
        names = [problem.rule for problem in self.problems]
        return {name: names.count(name) for name in sorted(set(names))}


def row(report: ReplayReport) -> str:
    """One line of the table."""
    found = ", ".join(f"{rule} {count}" for rule, count in report.rules().items()) or "none"
    return (
        f"{report.name[-40:]:40} {report.window:>6} {report.preset:10} {report.requests:>5} "
        f"{report.compactions:>5} "
        f"{report.refusals:>5} {report.refused_share:>6.1%} {report.forced:>6} {report.prefix_changes:>6} "
        f"{report.prefix_share:>7.1%}  {found}"
    )


HEADING = (
    f"{'conversation':40} {'window':>6} {'preset':10} {'reqs':>5} {'comps':>5} "
    f"{'refus':>5} {'share':>6} {'forced':>6} "
    f"{'change':>6} {'prefix':>7}  problems"
)
