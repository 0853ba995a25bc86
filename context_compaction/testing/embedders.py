"""Embedders for tests: a small deterministic one, and one for every way to misbehave."""

from __future__ import annotations

import math
import threading
import zlib
from collections.abc import Callable, Sequence

Spoil = Callable[[Sequence[list[float]]], object]


class HashedEmbedder:
    """Counts the letter groups of a text into a vector of length 1: texts that are spelt alike are near.

    Every text that it was given is in ``seen``, questions in ``asked``.
    """

    def __init__(self, dimension: int = 256, *, name: str = "hashed") -> None:
        self.dimension = dimension
        self.name = name
        self.seen: list[str] = []
        self.asked: list[str] = []

    def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """One vector a text."""
        self.seen += texts
        return [self.vector(text) for text in texts]

    def embed_query(self, text: str) -> Sequence[float]:
        """As of any text."""
        self.asked.append(text)
        return self.vector(text)

    def vector(self, text: str) -> list[float]:
        """Groups of three and four letters, by their checksum."""
        counts = [0.0] * self.dimension
        padded = f" {' '.join(text.lower().split())} "
        for size in (3, 4):
            for start in range(len(padded) - size + 1):
                group = padded[start : start + size].encode("utf-8", "surrogatepass")
                counts[zlib.crc32(group) % self.dimension] += 1.0
        length = math.sqrt(sum(count * count for count in counts))
        return [count / length for count in counts] if length else counts


class SpoiltEmbedder(HashedEmbedder):
    """Returns what ``spoil`` makes of the vectors, or raises what that raises, while it is ``spoilt``."""

    def __init__(self, spoil: Spoil, *, name: str = "spoilt") -> None:
        super().__init__(name=name)
        self.spoil = spoil
        self.spoilt = True

    def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """Spoilt vectors."""
        vectors = [list(vector) for vector in super().embed(texts)]
        return self.spoil(vectors) if self.spoilt else vectors  # pyright: ignore[reportReturnType]  that is it

    def embed_query(self, text: str) -> Sequence[float]:
        """As `embed`."""
        return next(iter(self.embed([text])))


class HangingEmbedder(HashedEmbedder):
    """Hangs while it ``hangs``, until ``release`` is set, for ``seconds`` at most; then it answers late.

    ``entered`` is set while it hangs.
    """

    def __init__(self, *, seconds: float = 60.0, name: str = "hanging") -> None:
        super().__init__(name=name)
        self.seconds = seconds
        self.hangs = True
        self.entered = threading.Event()
        self.release = threading.Event()

    def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """Late."""
        self._hang()
        return super().embed(texts)

    def embed_query(self, text: str) -> Sequence[float]:
        """Late."""
        self._hang()
        return super().embed_query(text)

    def _hang(self) -> None:
        if self.hangs:
            self.entered.set()
            self.release.wait(self.seconds)
            self.entered.clear()
