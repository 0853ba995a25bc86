"""Finding again what was said."""

from context_compaction.recall.bounds import Bound, Bounds
from context_compaction.recall.choosing import HITS, answers_to, question_of, worth_recalling
from context_compaction.recall.describing import describe
from context_compaction.recall.embedding import Embedding
from context_compaction.recall.grep import Grep, GrepHit
from context_compaction.recall.hits import HitList, SearchHit
from context_compaction.recall.pages import recall_page, recall_page_over
from context_compaction.recall.paging import PAGE_TOKENS, Page
from context_compaction.recall.reasons import Reason
from context_compaction.recall.search import recall, recall_over
from context_compaction.recall.tree import Description, Stretch
from context_compaction.recall.weights import Weights

__all__ = [
    "HITS",
    "PAGE_TOKENS",
    "Bound",
    "Bounds",
    "Description",
    "Embedding",
    "Grep",
    "GrepHit",
    "HitList",
    "Page",
    "Reason",
    "SearchHit",
    "Stretch",
    "Weights",
    "answers_to",
    "describe",
    "question_of",
    "recall",
    "recall_over",
    "recall_page",
    "recall_page_over",
    "worth_recalling",
]
