"""Finding again what was said."""

from context_compaction.recall.hits import SearchHit
from context_compaction.recall.ranking import Weights
from context_compaction.recall.search import recall

__all__ = ["SearchHit", "Weights", "recall"]
