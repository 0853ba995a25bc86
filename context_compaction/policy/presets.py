"""The ready-made rules: each takes ``trigger``, ``target``, ``keep``, ``min_reclaim`` and its own options."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from context_compaction.policy.ladder import Ladder
from context_compaction.policy.rule import Rule
from context_compaction.policy.sizes import SizeLike
from context_compaction.strategies import (
    FACTS_SHARE,
    Clamp,
    ClearToolResults,
    Deduplicate,
    Distill,
    Extract,
    StripReasoning,
    Summarize,
    Truncate,
)

Trigger = SizeLike | list[SizeLike]


def layered(
    trigger: Trigger = 0.85,
    *,
    target: SizeLike = 0.5,
    keep: SizeLike = 0.25,
    min_reclaim: SizeLike = 0.05,
    keep_results: int = 3,
    exclude_tools: Sequence[str] = (),
    max_leaves: int = 4,
    fidelity_floor: float = 0.5,
    facts_share: float = FACTS_SHARE,
) -> Rule:
    """Every rung, cheapest first: edits, a summary, its distillation, extraction, truncation."""
    ladder = Ladder(
        StripReasoning(),
        Deduplicate(),
        ClearToolResults(keep=keep_results, exclude_tools=exclude_tools),
        Summarize(fidelity_floor=fidelity_floor, facts_share=facts_share),
        Distill(max_leaves=max_leaves, fidelity_floor=fidelity_floor / 2, facts_share=facts_share),
        Extract(),
        Truncate(),
        Clamp(),
    )
    return Rule(ladder, trigger=trigger, target=target, keep=keep, min_reclaim=min_reclaim, name="layered")


def masking(
    trigger: Trigger = 0.85,
    *,
    target: SizeLike = 0.5,
    keep: SizeLike = 0.25,
    min_reclaim: SizeLike = 0.05,
    keep_results: int = 3,
    exclude_tools: Sequence[str] = (),
) -> Rule:
    """Edits on the CPU only; no message leaves unless the input budget forces it."""
    ladder = Ladder(
        StripReasoning(), Deduplicate(), ClearToolResults(keep=keep_results, exclude_tools=exclude_tools)
    )
    return Rule(ladder, trigger=trigger, target=target, keep=keep, min_reclaim=min_reclaim, name="masking")


def truncating(
    trigger: Trigger = 0.9,
    *,
    target: SizeLike = 0.5,
    keep: SizeLike = 0.25,
    min_reclaim: SizeLike = 0.05,
) -> Rule:
    """Lets the oldest groups go."""
    ladder = Ladder(Truncate(), Clamp())
    return Rule(ladder, trigger=trigger, target=target, keep=keep, min_reclaim=min_reclaim, name="truncating")


def extractive(
    trigger: Trigger = 0.75,
    *,
    target: SizeLike = 0.5,
    keep: SizeLike = 0.4,
    min_reclaim: SizeLike = 0.05,
    head: float = 0.0,
) -> Rule:
    """Keeps the best whole messages word for word beside a long tail; ``head``: share for the first ones."""
    ladder = Ladder(Extract(head=head), Truncate(), Clamp())
    return Rule(ladder, trigger=trigger, target=target, keep=keep, min_reclaim=min_reclaim, name="extractive")


def anchored(
    trigger: Trigger = 0.85,
    *,
    target: SizeLike = 0.7,
    keep: SizeLike = 0.5,
    min_reclaim: SizeLike = 0.05,
    max_leaves: int = 0,
    fidelity_floor: float = 0.5,
    facts_share: float = FACTS_SHARE,
) -> Rule:
    """One running summary over everything but a long tail."""
    ladder = Ladder(
        Summarize(fidelity_floor=fidelity_floor, facts_share=facts_share),
        Distill(max_leaves=max_leaves, fidelity_floor=fidelity_floor / 2, facts_share=facts_share),
        Extract(),
        Truncate(),
        Clamp(),
    )
    return Rule(ladder, trigger=trigger, target=target, keep=keep, min_reclaim=min_reclaim, name="anchored")


def off() -> Rule:
    """Compacts nothing: the whole log is shown; over budget it warns and never raises."""
    return Rule(Ladder(), trigger=1.0, name="off", enabled=False)


PRESETS: dict[str, Callable[..., Rule]] = {
    "layered": layered,
    "masking": masking,
    "truncating": truncating,
    "extractive": extractive,
    "anchored": anchored,
    "off": off,
}
