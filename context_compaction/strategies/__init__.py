"""The rungs of the ladder, one a file: pure functions from a scene to a view."""

from context_compaction.strategies.base import (
    DrafterStrategy,
    DraftSteps,
    Proposal,
    Rung,
    Scene,
    Shown,
    Strategy,
)
from context_compaction.strategies.clamp import Clamp, clamp_blocks, clamped_minimum
from context_compaction.strategies.clear_tool_results import ClearToolResults
from context_compaction.strategies.deduplicate import Deduplicate
from context_compaction.strategies.distill import Distill
from context_compaction.strategies.drop_instructions import DropInstructions
from context_compaction.strategies.extract import Extract
from context_compaction.strategies.gate import FACTS_SHARE, carried_texts
from context_compaction.strategies.passages import passage_of
from context_compaction.strategies.strip_reasoning import StripReasoning
from context_compaction.strategies.summarize import Summarize
from context_compaction.strategies.truncate import Truncate

__all__ = [
    "FACTS_SHARE",
    "Clamp",
    "ClearToolResults",
    "Deduplicate",
    "Distill",
    "DraftSteps",
    "DrafterStrategy",
    "DropInstructions",
    "Extract",
    "Proposal",
    "Rung",
    "Scene",
    "Shown",
    "Strategy",
    "StripReasoning",
    "Summarize",
    "Truncate",
    "carried_texts",
    "clamp_blocks",
    "clamped_minimum",
    "passage_of",
]
