"""The embedder protocol: whatever turns texts into vectors, on this machine or not, is the user's choice."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol


class Embedder(Protocol):
    """Turns texts into vectors of one length."""

    def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """One vector a text, in order."""
        ...


def cosine(left: Sequence[float], right: Sequence[float]) -> float:
    """How near two vectors point, -1 to 1; 0 when one of them is zero."""
    product = sum(a * b for a, b in zip(left, right, strict=True))
    length = math.sqrt(sum(a * a for a in left) * sum(b * b for b in right))
    return product / length if length else 0.0
