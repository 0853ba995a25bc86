"""What a session remembers between turns beside its view: re-arming of SOFT, and calibration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

from context_compaction.counting import Calibration
from context_compaction.render import Quote


@dataclass(frozen=True, slots=True)
class Recalled:
    """What is quoted before the user message ``turn`` for all of its turn; nothing: no block."""

    turn: int
    quotes: tuple[Quote, ...] = ()

    def to_json(self) -> list[Any]:
        """The turn, then each quote: its number, or a list of it and where its passages begin and end."""
        return [
            self.turn,
            *(
                [each.seq, *chain.from_iterable(each.spans)] if each.spans else each.seq
                for each in self.quotes
            ),
        ]


@dataclass(slots=True)
class Notes:
    """Persisted with the branch, so that another process decides alike."""

    attempts: dict[str, int] = field(default_factory=dict[str, int])
    """By side: the compressible tokens left by the last SOFT attempt that ended over its trigger.
    A side without one is armed."""
    calibration: Calibration = field(default_factory=Calibration)
    anchor: tuple[int, int, int] | None = None
    """View version and raw tokens of the prompt that was sent, its reported input tokens less overhead."""

    judged_to: int = 0
    """The last message that ``is_pinned`` was asked about."""
    heard_to: int = 0
    """The last message whose standing instructions the view knows."""
    let_go: frozenset[int] = frozenset()
    """Messages that were unpinned: they pin nothing by themselves."""
    recalled: Recalled | None = None
    """What auto-recall chose for the newest turn that it was asked about."""
    counter: str = ""
    """Name of the counter that all of this is in."""

    def armed(self, side: str, compressible: int, min_reclaim: int) -> bool:
        """Whether SOFT may be tried: first time, or since the last attempt enough has come."""
        last = self.attempts.get(side)
        return last is None or compressible - last >= min_reclaim

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "attempts": dict(self.attempts),
            "calibration": self.calibration.to_json(),
            "anchor": self.anchor and list(self.anchor),
            "judged_to": self.judged_to,
            "heard_to": self.heard_to,
            "let_go": sorted(self.let_go),
            "recalled": self.recalled and self.recalled.to_json(),
            "counter": self.counter,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any], counter: str) -> Notes:
        """The notes that `to_json` wrote. Numbers by another counter mean nothing now and are left out."""
        of_any = cls(
            judged_to=data.get("judged_to", 0),
            heard_to=data.get("heard_to", 0),
            let_go=let_go_in(data),
            recalled=recalled_in(data),
            counter=counter,
        )
        if data.get("counter") != counter:
            return of_any
        anchor = data["anchor"]
        return replace(
            of_any,
            attempts=dict(data["attempts"]),
            calibration=Calibration.from_json(data["calibration"]),
            anchor=(anchor[0], anchor[1], anchor[2]) if anchor else None,
        )


def recalled_in(data: Mapping[str, Any]) -> Recalled | None:
    """What auto-recall chose, by the notes."""
    turn, *quotes = data.get("recalled") or (None,)
    return None if turn is None else Recalled(turn, tuple(map(_quote_in, quotes)))


def _quote_in(data: int | list[int]) -> Quote:
    if isinstance(data, int):
        return Quote(data)
    seq, *places = data
    return Quote(seq, tuple(zip(places[::2], places[1::2], strict=True)))


def latest(one: Recalled | None, other: Recalled | None) -> Recalled | None:
    """Of two processes' choices the one that holds: of the later turn; ``one`` unless ``other`` let it go."""
    if one is None or other is None:
        return one or other
    return max(one, other, key=lambda choice: (choice.turn, not choice.quotes))


def let_go_in(data: Mapping[str, Any]) -> frozenset[int]:
    """The unpinned messages that notes name."""
    return frozenset(data.get("let_go", ()))


def forked_notes(data: Mapping[str, Any], at: int, heard_to: int) -> dict[str, Any]:
    """Notes for a branch that ends at message ``at``: what was learned stays, what is of one view goes.

    ``heard_to``: the last message whose standing instructions its view knows.
    """
    if not data:
        return {}
    return {
        **data,
        "attempts": {},
        "anchor": None,
        "judged_to": min(at, data.get("judged_to", 0)),
        "heard_to": heard_to,
        "recalled": None,  # what the fork shows may be other messages
        "let_go": sorted(seq for seq in let_go_in(data) if seq <= at),
    }
