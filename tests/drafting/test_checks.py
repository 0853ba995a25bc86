import pytest

from context_compaction.drafting import Draft
from context_compaction.drafting.checks import checked
from context_compaction.errors import DrafterError
from tests.drafting.samples import COUNTER, TALK, request

ASKED = request(*TALK, max_tokens=40)


def check(draft, source_tokens=1000):
    return checked(draft, ASKED, COUNTER, source_tokens)


def lines(tokens):
    out = ""
    while COUNTER.text(out) < tokens:
        out += f"- line {len(out)}\n"
    return out


@pytest.mark.parametrize(
    ("draft", "reason"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ("<think>hm", "reasoning"),
        ("<think>hm</think> ", "reasoning"),
        (None, "NoneType, not text"),
        (b"bytes", "bytes, not text"),
        ({"text": "x"}, "dict, not text"),
        (lines(80), "its cap is 40"),
        ("- again\n" * 9, "repeats itself"),
    ],
)
def test_what_cannot_be_a_summary_is_refused_with_the_reason(draft, reason):
    with pytest.raises(DrafterError, match=reason):
        check(draft)


def test_longer_than_its_source_is_no_summary():
    with pytest.raises(DrafterError, match="more than its source"):
        check("- some words about it", source_tokens=2)


def test_text_and_drafts_are_taken_without_their_reasoning():
    assert check("<think>hm</think>\n- fine\n") == "- fine"
    assert check(Draft("- fine")) == "- fine"


def test_a_little_over_the_cap_is_trimmed_at_a_line():
    draft = lines(41).strip()
    assert 40 < COUNTER.text(draft) <= 44
    text = check(draft)
    assert COUNTER.text(text) <= 40
    assert draft.startswith(text + "\n")


def test_a_trimmed_draft_does_not_end_in_a_bare_heading():
    body = lines(33).strip()
    text = check(f"{body}\n## Timeline\n- x y z")
    assert not text.splitlines()[-1].startswith("##")
