"""`DropInstructions`: the last thing that HARD can take, where else nothing would fit."""

from __future__ import annotations

from dataclasses import replace

from context_compaction.strategies.base import Scene, Strategy
from context_compaction.strategies.search import smallest
from context_compaction.view import View


class DropInstructions(Strategy):
    """Standing instructions that pinned themselves are no longer quoted, the oldest first.

    Pins that somebody set stay: they are part of the floor.
    """

    name = "drop_instructions"
    lossy = True

    def apply(self, scene: Scene) -> View:
        """The view without as many as the goal asks for."""
        heard = sum(pin.heard for pin in scene.view.pins)

        def enough(count: int) -> bool:
            return scene.measure(_without(scene.view, count), scene.summaries) <= scene.goal

        if not heard:
            return scene.view
        count = smallest(enough, 1, 1, heard)
        return _without(scene.view, heard if count is None else count)


def _without(view: View, count: int) -> View:
    oldest = [pin for pin in view.pins if pin.heard][:count]
    return replace(view, pins=tuple(pin for pin in view.pins if pin not in oldest))
