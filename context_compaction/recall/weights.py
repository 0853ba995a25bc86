"""`Weights`: what counts how much in a ranking."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from context_compaction.text.terms import FRAMING_TERMS

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
    framing: float = 0.5
    """Weight of a word that says which kind of answer is wanted rather than about what (`FRAMING_WORDS`);
    1 makes it a word like any other."""
    periods: float = 2.0
    """Weight of being said on a day, or in a month or year, that the query names; 0 leaves it out."""
    speaker: float = 0.3
    """What is added, as a share of the score, when the query names who says it; 0 leaves it out."""
    asking: float = 0.85
    """Factor for a message that ends by asking, where those who speak have names; 1 leaves it out."""
    passages: bool = True
    """Whether a long message that is read counts by its best passage."""
    phrase: float = 0.5
    """What is added, as a share of the score, for each phrase that the query quotes; 0 leaves it out."""
    similarity: float = 4.0
    """Weight of how near a message's vector is to the question's, with an embedder: so many times what a
    word counts that one message alone holds. 0 leaves it out."""
    similar_from: float = 0.05
    """The cosine up to which two texts have nothing to do with one another."""
    similar_before: float = 0.5
    """Share that the nearness of the message right before counts for it, beside its own."""
    similar_after: float = 0.3
    """Share that the nearness of the message right after counts."""
    roles: Mapping[str, float] = field(default_factory=lambda: ROLE_WEIGHTS)
    """Factors by role; 1 where none is named. Summaries have the role ``summary``."""

    def lent(self) -> list[tuple[int, float]]:
        """What of a term one message counts for those around it, by how many behind it, and for itself."""
        reach = self.reach if self.neighbours else 0
        return [
            (offset, self.neighbours * (self.before if offset < 0 else 1.0) if offset else 1.0)
            for offset in range(-reach, reach + 1)
        ]

    def of_term(self, term: str) -> float:
        """What a term of the query weighs beside its rarity."""
        return self.framing if term in FRAMING_TERMS else 1.0
