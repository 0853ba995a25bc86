"""StripReasoning: what the model thought in turns that are over."""

from __future__ import annotations

import pytest

from context_compaction.strategies import StripReasoning
from context_compaction.text.thinking import without_thinking
from tests.builders import after, assistant, edits, scene_of, texts, used, user

THOUGHT = "first this, then that, and never the other thing " * 4


def test_finished_turns_lose_reasoning_and_the_current_one_keeps_it() -> None:
    scene = after(
        scene_of(
            [
                user("q"),
                assistant("answer", reasoning=THOUGHT),
                assistant(f"<think>{THOUGHT}</think>\nsecond"),
                user("q2"),
                assistant("now", reasoning=THOUGHT),
                assistant("and then"),
            ]
        ),
        StripReasoning(),
    )
    assert {2: "answer", 3: "second"}.items() <= texts(scene).items()
    assert set(edits(scene)) == {2, 3}
    assert edits(scene)[2].reason == "reasoning"


def test_a_message_of_reasoning_alone_keeps_a_placeholder() -> None:
    scene = after(scene_of([user("q"), assistant(None, reasoning=THOUGHT), user("q2")]), StripReasoning())
    assert texts(scene)[2] == "[reasoning omitted - recall m:2]"
    bare = after(
        scene_of([user("q"), assistant(None, reasoning=THOUGHT), user("q2")], references=False),
        StripReasoning(),
    )
    assert texts(bare)[2] == "[reasoning omitted]"


def test_calls_stay() -> None:
    (asking, answer) = used("c", "read", {"path": "a"}, "x")
    scene = after(
        scene_of([user("q"), {**asking, "reasoning": THOUGHT}, answer, user("q2")]), StripReasoning()
    )
    assert [type(block).__name__ for block in edits(scene)[2].blocks] == ["ToolCallBlock"]


def test_short_reasoning_whose_placeholder_costs_more_stays() -> None:
    scene = scene_of([user("q"), assistant(None, reasoning="ok"), user("q2")])
    assert StripReasoning().apply(scene) is scene.view


def test_protected_and_pinned_messages_are_left_alone() -> None:
    messages = [user("q"), assistant("a", reasoning=THOUGHT), assistant("b", reasoning=THOUGHT), user("q2")]
    scene = scene_of(messages, keep=2, pins=[2])
    assert StripReasoning().apply(scene) is scene.view


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("<think>a</think>b", "b"),
        ("b\n<THINKING>a</THINKING>\nc", "b\n\nc"),
        ("said\n<think>never closed", "said"),
        ("<think>a<think>b</think>c", "c"),
        ("write `<think>` before it", "write `<think>` before it"),
        ("the tag <think> opens it", "the tag <think> opens it"),
        ("no tags", "no tags"),
        ("<think>" * 3, ""),
    ],
)
def test_think_text(text: str, left: str) -> None:
    assert without_thinking(text) == left


def test_think_text_is_linear() -> None:
    assert without_thinking("x <think> " * 100_000).startswith("x <think>")
