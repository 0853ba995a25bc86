"""`Budget`: how many tokens a request may hold, and what of the window is spoken for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from context_compaction.errors import InvalidBudget


def default_reserve(context_window: int) -> int:
    """Tokens left for the answer: an eighth of the window, at least 1024, at most a quarter."""
    return min(max(1024, context_window // 8), context_window // 4)


@dataclass(frozen=True, slots=True)
class Budget:
    """The room for one request, all in tokens. Raises `InvalidBudget` when nothing is left for input."""

    context_window: int
    """The model's whole window."""
    reserve_tokens: int | None = None
    """Kept free for the answer; None takes `default_reserve`."""
    overhead_tokens: int = 0
    """What the request carries that is not in the log: system prompt and tool schemas kept outside."""

    def __post_init__(self) -> None:
        for name in ("context_window", "reserve_tokens", "overhead_tokens"):
            value: Any = getattr(self, name)
            if value is None and name == "reserve_tokens":
                continue
            if not isinstance(value, int) or isinstance(value, bool):
                raise InvalidBudget(f"{name} is {value!r}; it must be a whole number of tokens")
        if self.context_window <= 0:
            raise InvalidBudget(f"context_window is {self.context_window}; it must be a positive number")
        if self.reserve_tokens is None:
            object.__setattr__(self, "reserve_tokens", default_reserve(self.context_window))
        if self.reserve < 0 or self.overhead_tokens < 0:
            raise InvalidBudget(
                f"reserve_tokens {self.reserve}, overhead_tokens {self.overhead_tokens}: none may be negative"
            )
        if self.input_tokens <= 0:
            raise InvalidBudget(
                f"nothing is left for input: context_window {self.context_window} "
                f"- reserve_tokens {self.reserve} - overhead_tokens {self.overhead_tokens} "
                f"= {self.input_tokens}"
            )

    @property
    def reserve(self) -> int:
        """``reserve_tokens`` as a number."""
        return self.reserve_tokens or 0

    @property
    def input_tokens(self) -> int:
        """What the rendered view may hold: window - reserve - overhead."""
        return self.context_window - self.reserve - self.overhead_tokens

    def with_overhead(self, overhead_tokens: int) -> Budget:
        """The same window with another overhead."""
        return replace(self, overhead_tokens=overhead_tokens)
