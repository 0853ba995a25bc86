import pytest
from hypothesis import given
from hypothesis import strategies as st

from context_compaction.text.thinking import spoken_draft


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("<think>hm</think>Yes.", "Yes."),
        ("A <thinking>b</thinking> c", "A  c"),
        ("<THINK>a<think>b</think>c</THINK>d", "d"),
        ("Yes. <think>but then", "Yes."),
        ("so I say</think>Yes.", "Yes."),
        ("A <think>b</think> c</think>Yes.", "Yes."),
        ("<think>all", ""),
        ("I think so", "I think so"),
    ],
)
def test_what_is_thought_is_not_said(text, left):
    assert spoken_draft(text) == left


@given(st.lists(st.sampled_from(["<think>", "</think>", "<thinking>", "</thinking>", "word ", "secret"])))
def test_no_tag_is_left(parts):
    assert "think" not in spoken_draft("".join(parts))
