"""ClearToolResults: old output becomes one line."""

from __future__ import annotations

import json

import pytest

from context_compaction.errors import InvalidPolicy
from context_compaction.messages import TextBlock, ToolCallBlock, ToolResultBlock
from context_compaction.strategies import ClearToolResults, Deduplicate
from tests.builders import Dict, after, edits, lines, scene_of, texts, used, user

IMAGE = {"type": "image_url", "image_url": {"url": "https://x.test/a.png"}}


def session(count: int = 6, size: int = 40) -> list[Dict]:
    """Results at 3, 5, 7, ...; the newest user message last."""
    parts = [
        used(f"c{number}", "read_file", {"path": f"{number}.py"}, lines(size)) for number in range(count)
    ]
    return [user("q"), *(message for part in parts for message in part), user("q2")]


def test_all_but_the_newest_results_are_cleared_on_soft() -> None:
    scene = after(scene_of(session()), ClearToolResults(keep=3))
    assert set(edits(scene)) == {3, 5, 7}
    assert texts(scene)[3] == "[output omitted - read_file: 40 lines - recall m:3]"


def test_the_placeholder_tells_errors_and_paths() -> None:
    output = "src/a.py:3: TypeError\n" + lines(40)
    scene = after(
        scene_of([user("q"), *used("c", "run", "{}", output), user("q2")]), ClearToolResults(keep=0)
    )
    assert (
        texts(scene)[3] == "[output omitted - run: 41 lines, contained errors, paths: src/a.py - recall m:3]"
    )


def test_it_stops_at_the_goal_oldest_first() -> None:
    scene = scene_of(session())
    less = after(scene_of(session(), goal=scene.tokens - 10), ClearToolResults(keep=0))
    assert set(edits(less)) == {3}


def test_hard_ignores_keep_but_not_what_is_protected() -> None:
    scene = after(scene_of(session(), hard=True, keep=3), ClearToolResults(keep=3))
    assert set(edits(scene)) == {3, 5, 7, 9, 11}
    assert {11, 13}.isdisjoint(edits(after(scene_of(session(), hard=True, keep=5), ClearToolResults(keep=0))))


def test_excluded_tools_and_short_results_stay() -> None:
    kept = after(scene_of(session()), ClearToolResults(keep=0, exclude_tools=["read_file"], long=None))
    assert edits(kept) == {}
    assert edits(after(scene_of(session(size=1)), ClearToolResults(keep=0))) == {}


def test_long_results_among_the_newest_keep_head_and_tail() -> None:
    scene = after(scene_of(session(2, size=400)), ClearToolResults(keep=2))
    text = texts(scene)[3]
    assert text.startswith("line 1 of the file")
    assert text.endswith("line 400 of the file")
    assert "characters omitted - recall m:3 ...]" in text
    assert edits(scene)[3].reason == "clamped"
    cleared = after(scene, ClearToolResults(keep=0))
    assert edits(cleared)[3].reason == "clamped+cleared"


def test_what_was_cleared_is_not_cleared_again() -> None:
    scene = after(scene_of(session()), ClearToolResults(keep=0))
    assert ClearToolResults(keep=0).apply(scene) is scene.view


def test_what_deduplicate_replaced_keeps_its_reason() -> None:
    twice = [
        *used("a", "read_file", {"path": "a.py"}, lines(40)),
        *used("b", "read_file", {"path": "a.py"}, lines(40)),
    ]
    scene = after(scene_of([user("q"), *twice, user("q2")]), Deduplicate(), ClearToolResults(keep=0))
    assert (edits(scene)[3].reason, edits(scene)[5].reason) == ("duplicate", "cleared")


def test_pairing_is_kept() -> None:
    scene = after(scene_of(session()), ClearToolResults(keep=0))
    block = edits(scene)[3].blocks[0]
    assert isinstance(block, ToolResultBlock)
    assert block.call_id == "c0"


def test_hard_shortens_long_arguments_as_valid_json() -> None:
    wrote = used("w", "write", {"path": "a.py", "content": "x" * 5000, "deep": [{"k": "y" * 3000}]}, "ok")
    broken = used("b", "write", '{"content": "' + "z" * 5000, "ok")
    array = used("l", "write", json.dumps(list(range(2000))), "ok")
    text = used("t", "write", json.dumps(["x" * 5000]), "ok")
    scene = after(
        scene_of([user("q"), *wrote, *broken, *array, *text, user("q2")], hard=True), ClearToolResults()
    )
    for seq in (2, 4, 6, 8):
        block = edits(scene)[seq].blocks[0]
        assert isinstance(block, ToolCallBlock)
        assert isinstance(json.loads(block.arguments), dict)
        assert len(block.arguments) < 900
        assert f"recall m:{seq}" in block.arguments


def test_hard_replaces_old_media_by_a_note() -> None:
    content = [{"type": "text", "text": "look"}, IMAGE]
    scene = after(
        scene_of([user(""), {"role": "user", "content": content}, user("q2")], hard=True), ClearToolResults()
    )
    assert edits(scene)[2].blocks == (TextBlock("look"), TextBlock("[image omitted - recall m:2]"))


def test_media_of_a_cleared_result_goes_with_it() -> None:
    (asking, answer) = used("c", "screenshot", "{}", lines(10))
    seen = {**answer, "content": [{"type": "text", "text": lines(10)}, IMAGE]}
    scene = after(scene_of([user("q"), asking, seen, user("q2")]), ClearToolResults(keep=0))
    assert texts(scene)[3] == "[output omitted - screenshot: 10 lines, with image - recall m:3]"


@pytest.mark.parametrize("options", [{"keep": -1}, {"long": (10, 8, 4)}, {"long": (-1, -2, -3)}])
def test_options_that_mean_nothing(options: dict[str, object]) -> None:
    with pytest.raises(InvalidPolicy):
        ClearToolResults(**options)  # pyright: ignore[reportArgumentType]
