"""`Telling`: which lines of a long text a question asks about."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from context_compaction.recall.passages import LINE, Telling
from context_compaction.text.terms import query_words

CHARS = st.sampled_from([*"abé.!? \t\r\n\x0b\u2028\x00", "\n", "。", "\ud83d", "\ude00", "😀", "İ", "word"])
TEXTS = st.lists(CHARS, max_size=400).map("".join) | st.text(max_size=50).map(lambda text: text * 40)


def best(text: str, question: str) -> str:
    """The line that tells most."""
    telling = Telling.of(text, query_words(question))
    return telling.line(max(telling.scores, key=lambda line: telling.scores[line]))


@pytest.mark.parametrize(
    ("line", "question"),
    [
        ("const id = getIssueInOrg(org)", "what does issue in org give?"),
        ("see src/lib/resolve-target.ts", "where is resolve target?"),
        ("all studies were painted", "which study paints?"),
        ("die Pläne liegen hier", "wo sind die Pläne?"),
        ("昨日東京に行きました", "東京"),
        ("PR 293 was merged", "what became of PR 293?"),
    ],
)
def test_words_are_found_as_the_search_finds_them(line: str, question: str) -> None:
    others = [f"approach {number} of the apartment" for number in range(20)]
    assert best("\n".join([*others, line, *others]), question) == line


def test_a_rare_word_tells_more_than_one_that_stands_everywhere() -> None:
    lines = [f"the issue number {number}" for number in range(50)]
    lines[20], lines[40] = "a ContextError", "an issue of another kind"
    assert best("\n".join(lines), "which issue has the ContextError?") == "a ContextError"


def test_a_line_lends_to_those_around_it_and_more_to_those_behind() -> None:
    scores = Telling.of("\n".join("abcdxefgh"), {"x": "x"}).scores
    assert set(scores) == {2, 3, 4, 5, 6}
    assert scores[4] == 1 > scores[5] == scores[6] > scores[3] == scores[2]


def test_a_long_line_is_cut_where_a_sentence_ends_or_a_word() -> None:
    sentence = "This goes on for some ninety characters, so that two or three of them make a piece of text. "
    telling = Telling.of(sentence * 8 + "word " * 200 + "x" * 700, {})
    parts = [telling.line(place) for place in range(len(telling.lines))]
    assert parts[0] == (sentence * 3).rstrip()
    assert all(len(part) <= LINE for part in parts)
    assert [part for part in parts if part.endswith("word")]
    assert parts[-1].startswith("x")


@given(TEXTS, st.sampled_from(["ab word é", "😀 i̇", "a", ""]))
@example("x" * (LINE - 1) + "\ud83d\ude00" + "x" * 10, "a")
@example("a\r\nb\r\n" * 3, "a")
def test_lines_are_words_of_the_text_and_lose_none(text: str, question: str) -> None:
    """In order, apart, not blank, not longer than they may be, and no surrogate pair is parted."""
    telling = Telling.of(text, query_words(question))
    done, lost = 0, ""
    for start, end in telling.lines:
        assert done <= start < end <= min(len(text), start + LINE)
        assert text[start:end].strip()
        assert not re.search("[\ud800-\udbff]\\Z", text[:start]) or not re.match(
            "[\udc00-\udfff]", text[start:]
        )
        lost += text[done:start]
        done = end
    assert not (lost + text[done:]).strip()
    assert set(telling.scores) <= set(range(len(telling.lines)))


@given(TEXTS, st.data())
def test_passages_stand_apart_and_hold_the_lines_chosen(text: str, data: st.DataObject) -> None:
    telling = Telling.of(text, {})
    if not telling.lines:
        return
    chosen = data.draw(st.sets(st.integers(0, len(telling.lines) - 1), min_size=1))
    spans = telling.spans(chosen)
    ends = [place for span in spans for place in span]
    assert ends == sorted(set(ends))
    assert all(
        any(a <= start and end <= b for a, b in spans)
        for start, end in map(telling.lines.__getitem__, chosen)
    )
    left_out = sum(
        len(line)
        for place, line in enumerate(map(telling.line, range(len(telling.lines))))
        if place not in chosen
    )
    assert left_out or spans == ((0, len(text)),)


@pytest.mark.parametrize("unit", ["x", "word ", "word\n", "word. ", "\n", "\ud83d\ude00", "\r", "é "])
def test_five_megabytes_take_linear_time(unit: str) -> None:
    """Doubling the text about doubles the work; what is quadratic would take minutes here."""
    text = unit * (5_000_000 // len(unit))
    telling = Telling.of(text, query_words("word é x"))
    assert all(end - start <= LINE for start, end in telling.lines)
