"""Finding the smallest number that is enough, near a guess."""

from __future__ import annotations

from collections.abc import Callable


def smallest(enough: Callable[[int], bool], guess: int, low: int, high: int, *, step: int = 1) -> int | None:
    """The smallest number from ``low`` to ``high`` that is enough, None when even ``high`` is not.

    ``enough`` must stay true once it is. Costs two calls when the guess is right, else as many as there are
    doublings of ``step`` to the answer, and halvings back.
    """
    guess = min(max(guess, low), high)
    if enough(guess):
        while guess > low and enough(max(low, guess - step)):
            guess, step = max(low, guess - step), step * 2
        return _between(enough, max(low, guess - step) if guess > low else low - 1, guess)
    while guess < high:
        found = min(high, guess + step)
        if enough(found):
            return _between(enough, guess, found)
        guess, step = found, step * 2
    return None


def _between(enough: Callable[[int], bool], too_few: int, plenty: int) -> int:
    while plenty - too_few > 1:
        middle = (too_few + plenty) // 2
        if enough(middle):
            plenty = middle
        else:
            too_few = middle
    return plenty
