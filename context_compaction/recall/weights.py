"""`Weights`: what counts how much in a ranking."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

ROLE_WEIGHTS: Mapping[str, float] = {"system": 0.7, "developer": 0.7}


@dataclass(frozen=True, slots=True)
class Weights:
    """What counts how much. The defaults were tuned on half of the LoCoMo dialogues.

    What each is worth is printed by ``python -m benchmarks ablation``; `docs/decisions/0019` says more.
    """

    saturation: float = 1.0
    """How soon more of the same term stops to matter (BM25's k1)."""
    length: float = 0.35
    """How much long documents are held back (BM25's b), 0 to 1."""
    neighbours: float = 0.35
    """Share of a message's terms that counts for those before and after it; 0 leaves them out."""
    before: float = 0.7
    """Of that share what the messages before it get: what is asked stands before its answer more often."""
    reach: int = 2
    """How many messages before and after count as neighbours."""
    sitting: float = 0.5
    """Weight of what the whole sitting holds; 0 leaves it out."""
    periods: float = 2.0
    """Weight of being said on a day, or in a month or year, that the query names; 0 leaves it out."""
    speaker: float = 0.3
    """What is added, as a share of the score, when the query names who says it; 0 leaves it out."""
    asking: float = 0.85
    """Factor for a message that ends by asking, where those who speak have names; 1 leaves it out."""
    phrase: float = 0.5
    """What is added, as a share of the score, for each phrase that the query quotes; 0 leaves it out."""
    similarity: float = 4.0
    """Weight of how near a message's vector is to the question's, with an embedder: so many times what a
    word counts that one message alone holds. 0 leaves it out."""
    similar_from: float = 0.2
    """The cosine up to which two texts have nothing to do with one another."""
    similar_before: float = 0.3
    """Share that the nearness of a message before counts for it, beside its own."""
    similar_after: float = 0.2
    """Share that the nearness of a message after counts."""
    roles: Mapping[str, float] = field(default_factory=lambda: ROLE_WEIGHTS)
    """Factors by role; 1 where none is named. Summaries have the role ``summary``."""
