"""`CallableCounter`: the user's own function of text, with our envelopes around it."""

from __future__ import annotations

from collections.abc import Callable

from context_compaction.counting.base import MediaPricing, TokenCounter
from context_compaction.counting.pieces import tidy


class CallableCounter(TokenCounter):
    """Counts text with ``count``; lone surrogates reach it as replacement characters.

    Raises `TypeError` when ``count`` gives no whole number of tokens, `ValueError` when it is negative.
    """

    exact = True
    """Taken to be the model's own tokenizer: why else pass one."""

    same_name_same_counts = False

    def __init__(self, count: Callable[[str], int], *, media: MediaPricing = "openai") -> None:
        self._count = count
        self.name = f"callable/{getattr(count, '__name__', type(count).__name__)}"
        self.media = media

    def text(self, text: str) -> int:
        """What the function says."""
        tokens = self._count(tidy(text))
        if not isinstance(tokens, int):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"{self.name} gave {type(tokens).__name__} for a text; a counter gives an int")
        if tokens < 0:
            raise ValueError(f"{self.name} gave {tokens} tokens for a text; a count cannot be negative")
        return tokens
