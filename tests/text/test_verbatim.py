"""The block of verbatim facts: written, and read again."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from context_compaction.text.facts import Fact, FactKind, fidelity
from context_compaction.text.verbatim import LABELS, SENTENCES, block_text, listable, split_block

FACTS = (
    Fact("path", "src/a.py"),
    Fact("date", "8 May, 2023"),
    Fact("instruction", "Use tabs; never spaces: they are evil."),
    Fact("path", "b.py"),
    Fact("error", "ValueError: a; b"),
)
BLOCK = """## Verbatim Facts
- Instruction: Use tabs; never spaces: they are evil.
- Error: ValueError: a; b
- Paths: src/a.py; b.py
- Dates: 8 May, 2023"""


def test_a_line_for_each_sentence_and_one_for_each_other_kind() -> None:
    assert block_text(FACTS) == BLOCK
    assert block_text(()) == ""
    assert set(SENTENCES) | set(LABELS) == set(get_args(FactKind))


@pytest.mark.parametrize("value", ["a; b", "a\nb", "a\u2028b", " a", "a ", ""])
def test_what_could_not_be_read_again_is_not_listable(value: str) -> None:
    assert not listable(Fact("path", value))
    assert listable(Fact("quote", value)) is (value == "a; b")
    assert listable(Fact("error", value)) is (value == "a; b")


def test_what_was_listed_is_read_again() -> None:
    body, facts = split_block(f"## Goal\n- a b\n{BLOCK}")
    assert body == "## Goal\n- a b"
    assert sorted(facts, key=str) == sorted(FACTS, key=str)


def test_a_text_without_a_block_is_left_alone() -> None:
    for text in ("", "  a\n\n", "## Goal\n- Paths: a.py\n", "they said ## Verbatim Facts\n- Paths: a.py"):
        assert split_block(text) == (text, ())


def test_a_block_in_the_middle_and_lines_that_are_none_go() -> None:
    body, facts = split_block(
        "## Goal\nx\n## Verbatim Facts\nI think:\n- Paths: a.py\n- Odd: b\n## Timeline\ny"
    )
    assert (body, facts) == ("## Goal\nx\n## Timeline\ny", (Fact("path", "a.py"),))


facts = st.builds(Fact, st.sampled_from(get_args(FactKind)), st.text(min_size=1, max_size=40)).filter(
    listable
)


@given(st.lists(facts, max_size=8, unique=True), st.sampled_from(["", "## Goal\nwords", "plain\n\nwords"]))
def test_whatever_is_listable_comes_back(listed: list[Fact], words: str) -> None:
    block = block_text(listed)
    body, found = split_block(f"{words}\n{block}".strip("\n") if block else words)
    assert body == words
    assert sorted(found, key=str) == sorted(listed, key=str)


@given(st.lists(st.sampled_from(FACTS), unique=True))
def test_every_value_of_a_block_is_carried_by_it(listed: list[Fact]) -> None:
    text = block_text(listed)
    assert all(fidelity([fact.value], [text]) == 1.0 for fact in listed)
