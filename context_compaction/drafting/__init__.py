"""Writing summaries: what a drafter is asked, the drafter that needs no model, and the chain of drafters."""

from context_compaction.drafting.base import (
    Draft,
    DraftRequest,
    DraftResult,
    Passage,
    SummaryDrafter,
)
from context_compaction.drafting.chain import DrafterChain
from context_compaction.drafting.choose import DrafterLike, choose_drafters
from context_compaction.drafting.extractive import ExtractiveDrafter

__all__ = [
    "Draft",
    "DraftRequest",
    "DraftResult",
    "DrafterChain",
    "DrafterLike",
    "ExtractiveDrafter",
    "Passage",
    "SummaryDrafter",
    "choose_drafters",
]
