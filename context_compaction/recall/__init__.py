"""Finding again what was said."""

from context_compaction.recall.hits import HitList, SearchHit
from context_compaction.recall.search import recall
from context_compaction.recall.weights import Weights

__all__ = ["HitList", "SearchHit", "Weights", "recall"]
