"""The itemised floor (design §3): what no compaction can take away."""

from __future__ import annotations

from context_compaction.planner.scene import least_view
from context_compaction.render.context_message import quoted_pins
from context_compaction.strategies import Scene, clamped_minimum


def floor_items(scene: Scene) -> list[tuple[str, int]]:
    """What is left of a view that would not fit, in tokens by the larger of raw and calibrated count."""
    pins = sum(scene.counter.text(pin.text) for pin in quoted_pins(scene.view, scene.log))
    system = user = group = older = in_place = 0
    for record, edit in scene.shown():
        tokens = edit.tokens if edit else record.tokens
        if record.message.is_system:
            system += tokens
        elif record.seq == scene.turn_start:
            user += tokens
        elif record.seq in scene.floor:
            group += tokens
        elif record.seq in scene.verbatim:
            in_place += tokens
        else:
            older += tokens
    items = [
        ("system messages", system),
        ("pins", pins + in_place),
        ("newest user message", user),
        ("newest group", group),
        ("older messages", older),
        ("context message", scene.tokens - system - user - group - older - pins - in_place),
    ]
    return [(what, tokens) for what, tokens in items if tokens > 0]


def compressible(scene: Scene) -> int:
    """Tokens of the view beyond its floor, clamped texts at their least: all that could be freed."""
    floor = scene.measure(least_view(scene), scene.summaries) - _clampable(scene)
    return max(0, scene.tokens - floor)


def _clampable(scene: Scene) -> int:
    """Tokens that clamping could take from results of the newest group and an oversized user message."""
    saved = 0
    for record, edit in scene.shown():
        tokens = edit.tokens if edit else record.tokens
        is_result = record.seq in scene.floor and record.message.tool_result is not None
        is_long = record.seq == scene.turn_start and tokens * 2 > scene.budget.input_tokens
        if (is_result or is_long) and record.seq not in scene.verbatim:
            least = clamped_minimum(record, scene.counter, references=scene.references)
            saved += tokens - min(tokens, least)
    return saved
