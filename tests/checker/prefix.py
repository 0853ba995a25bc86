"""How much of the previous request does this one begin with? (design §4.7, §12)"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.checker.context_message import is_recalled
from tests.checker.problem import ChatMessage, Problem, excerpt


@dataclass(frozen=True, slots=True)
class Prefix:
    """The common beginning of two requests in a row, in messages."""

    common: int
    previous: int
    stable: int
    """How many of the previous request's messages had to stay: those before a recalled block that is gone.

    While a block stands in its place the turn goes on, and all has to stay, the block as well.
    """

    @property
    def share(self) -> float:
        """Common beginning as a share of the previous request."""
        return self.common / self.previous if self.previous else 1.0

    @property
    def broken(self) -> bool:
        """True if something changed that only a compaction may change."""
        return self.common < self.stable


def compare(
    previous: Sequence[ChatMessage], shown: Sequence[ChatMessage], log: Sequence[ChatMessage]
) -> Prefix:
    """Measure the common beginning."""
    common = 0
    for before, after in zip(previous, shown, strict=False):
        if before != after:
            break
        common += 1
    blocks = [place for place, message in enumerate(previous) if is_recalled(message, log)]
    gone = [place for place in blocks if place >= len(shown) or not is_recalled(shown[place], log)]
    return Prefix(common, len(previous), next(iter(gone), len(previous)))


def check_prefix(
    previous: Sequence[ChatMessage], shown: Sequence[ChatMessage], log: Sequence[ChatMessage], committed: bool
) -> list[Problem]:
    """Design §4.7: without a compaction between them the new request begins with the old one."""
    prefix = compare(previous, shown, log)
    if committed or not prefix.broken:
        return []
    before = excerpt(previous[prefix.common])
    after = excerpt(shown[prefix.common]) if prefix.common < len(shown) else "the end"
    return [
        Problem("prefix", f"shown[{prefix.common}]", f"was {before}, is {after}, and no compaction between")
    ]
