"""Finding again what was said."""

from context_compaction.recall.choosing import HITS, answers_to, question_of, worth_recalling
from context_compaction.recall.embedding import Embedding
from context_compaction.recall.hits import SearchHit
from context_compaction.recall.search import recall
from context_compaction.recall.weights import Weights

__all__ = [
    "HITS",
    "Embedding",
    "SearchHit",
    "Weights",
    "answers_to",
    "question_of",
    "recall",
    "worth_recalling",
]
