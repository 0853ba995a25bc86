"""`Ladder`: the rungs of a rule, cheapest first, and which of them run when."""

from __future__ import annotations

from dataclasses import dataclass

from context_compaction.errors import InvalidPolicy
from context_compaction.strategies import Rung


@dataclass(frozen=True, slots=True, init=False)
class Ladder:
    """Rungs in the order in which they run; each is measured, and the ladder stops at the target."""

    rungs: tuple[Rung, ...]

    def __init__(self, *rungs: Rung) -> None:
        for rung in rungs:
            if not callable(getattr(rung, "apply", None) or getattr(rung, "propose", None)):
                raise InvalidPolicy(f"{rung!r} is no rung: it needs apply(scene) or propose(scene)")
        object.__setattr__(self, "rungs", rungs)

    @property
    def drafts(self) -> bool:
        """Whether any rung asks for a draft."""
        return any(rung.drafts for rung in self.rungs)

    def cheap(self) -> tuple[Rung, ...]:
        """The rungs before the first drafter rung; all when there is none (pre-turn on SOFT)."""
        for index, rung in enumerate(self.rungs):
            if rung.drafts:
                return tuple(rung for rung in self.rungs[:index] if not rung.lossy)
        return self.rungs

    def whole(self) -> tuple[Rung, ...]:
        """All rungs, but the lossy ones only in a ladder without a drafter rung (SOFT)."""
        return tuple(rung for rung in self.rungs if not (self.drafts and rung.lossy))
