"""Does the engine compact again only when there is something new to gain? (design §3, no thrash)"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tests.checker.problem import Problem


@dataclass(frozen=True, slots=True)
class Attempt:
    """One SOFT attempt of one side, as its event tells it."""

    side: str
    tokens_before: int
    tokens_after: int
    committed: bool
    at_seq: int

    @property
    def left(self) -> int:
        """Tokens of the view once the attempt was over."""
        return self.tokens_after if self.committed else self.tokens_before


@dataclass(frozen=True, slots=True)
class Rearming:
    """The terms under which a SOFT attempt may follow another one."""

    trigger: int
    """Tokens over which the rule fires."""
    min_reclaim: int
    """Tokens by which the compressible part has to grow."""
    floor_at: Callable[[int], int]
    """The floor of the log's prefix of this length."""
    slack: int
    """Tokens by which floor and view may be counted differently."""


def check_rearming(
    attempts: Sequence[Attempt], dips: Sequence[tuple[int, int]], terms: Rearming
) -> list[Problem]:
    """Design §3: a further SOFT attempt of a side needs a dip under the trigger, or `min_reclaim` more.

    `attempts` holds the SOFT ones; `dips` the sizes seen besides: (log length, tokens shown) of each request.
    """
    problems: list[Problem] = []
    for side in sorted({attempt.side for attempt in attempts}):
        mine = [attempt for attempt in attempts if attempt.side == side]
        problems += [
            Problem(
                "no-rearming", f"m:{later.at_seq}", f"{side} again after m:{earlier.at_seq} without new gain"
            )
            for earlier, later in pairwise(mine)
            if not _armed(earlier, later, dips, terms)
        ]
    return problems


def _armed(earlier: Attempt, later: Attempt, dips: Sequence[tuple[int, int]], terms: Rearming) -> bool:
    sizes = [size for length, size in dips if earlier.at_seq <= length <= later.at_seq]
    if min([earlier.left, *sizes]) <= terms.trigger:
        return True
    room_then = earlier.left - terms.floor_at(earlier.at_seq)
    room_now = later.tokens_before - terms.floor_at(later.at_seq)
    return room_now - room_then + terms.slack >= terms.min_reclaim
