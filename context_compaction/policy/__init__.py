"""When to compact and how: sizes, ladders, rules, presets."""

from context_compaction.policy.asked import CallRule, pre_turn_rule
from context_compaction.policy.instructions import StandingInstructions
from context_compaction.policy.ladder import Ladder
from context_compaction.policy.presets import PRESETS, anchored, extractive, layered, masking, off, truncating
from context_compaction.policy.rule import BARE_RULE, Policy, Rule
from context_compaction.policy.sizes import Size, SizeLike

__all__ = [
    "BARE_RULE",
    "PRESETS",
    "CallRule",
    "Ladder",
    "Policy",
    "Rule",
    "Size",
    "SizeLike",
    "StandingInstructions",
    "anchored",
    "extractive",
    "layered",
    "masking",
    "off",
    "pre_turn_rule",
    "truncating",
]
