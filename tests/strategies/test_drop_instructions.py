"""`DropInstructions`: what pinned itself is quoted no more, oldest first, where nothing else would fit."""

from __future__ import annotations

from dataclasses import replace

from context_compaction.strategies import DropInstructions, Scene, Truncate
from context_compaction.view import Pin
from tests.builders import after, assistant, scene_of, user

HEARD = tuple(Pin(f"m:{seq}", f"Never open file number {seq}.", heard=True) for seq in (1, 3, 5))


def quoting(goal: int = 0) -> Scene:
    """Seven messages, of which only the last are left; one pin that was set, three that set themselves."""
    said = [
        turn for n in range(3) for turn in (user(f"Never open file number {2 * n + 1}."), assistant("ok"))
    ]
    scene = scene_of([*said, user("go on")], hard=True, pins=(2,))
    scene = replace(scene, view=replace(scene.view, pins=(*scene.pins, *HEARD)))
    return replace(after(scene, Truncate()), goal=goal)


def test_as_many_as_need_be_the_oldest_first():
    tokens = quoting().tokens
    for goal in range(tokens + 1):
        scene = quoting(goal)
        dropped = after(scene, DropInstructions())
        left = [pin for pin in dropped.view.pins if pin.heard]
        assert left == list(HEARD[len(HEARD) - len(left) :])
        assert dropped.view.pins[0] == scene.pins[0]
        assert dropped.tokens <= goal or not left
        if goal < tokens and left:
            one_more = replace(scene.view, pins=(scene.pins[0], *HEARD[2 - len(left) :]))
            assert scene.measure(one_more, scene.summaries) > goal


def test_a_second_run_and_a_view_without_any_are_left_alone():
    scene = after(quoting(), DropInstructions())
    assert DropInstructions().apply(scene) is scene.view
    assert not DropInstructions().wants(quoting(10_000))
