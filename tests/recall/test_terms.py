"""Text as search terms: what a word becomes, and that any text becomes something."""

import base64
import random
import re
import tracemalloc
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from context_compaction.messages import MediaBlock, Message, ReasoningBlock, TextBlock, ToolCallBlock
from context_compaction.text import terms
from context_compaction.text.terms import MAX_QUERY_TERMS, message_terms, query_words, stem, terms_of


@pytest.mark.parametrize(
    "words",
    [
        "paint paints painted painting",
        "hike hikes hiked hiking",
        "run runs running",
        "study studies studied studying",
        "class classes",
        "box boxed boxing",
    ],
)
def test_forms_of_a_word_are_one_term(words: str):
    assert len({stem(word) for word in words.split()}) == 1


@pytest.mark.parametrize("words", ["red read", "sing bring", "this thing", "bus busy", "need neat"])
def test_short_and_other_words_stay_apart(words: str):
    assert len({stem(word) for word in words.split()}) == 2


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("getIssueDetails", {"getissuedetails", "get", "issu", "detail"}),
        ("XMLHttpRequest", {"xmlhttprequest", "xml", "http", "request"}),
        ("snake_case_name", {"snake_case_name", "snak", "cas", "nam"}),
        ("src/lib/errors.ts", {"src/lib/errors.ts", "src", "lib", "error", "ts"}),
        ("CLI-8C", {"cli-8c", "cli", "8c"}),
        ("It's Caroline's, isn't it", {"it", "carolin", "isn"}),
        ("caf\u00e9 CAFE\u0301", {"caf"}),
        ("2,000 and 3.5", {"2,000", "2", "000", "and", "3.5", "3", "5"}),
        ("\u5317\u4eac\u5927\u5b66", {"\u5317\u4eac", "\u4eac\u5927", "\u5927\u5b66"}),
        ("\u6771", {"\u6771"}),
        ("\uff21\uff22\uff23", {"abc"}),
        ("a\0b\ud800c", {"a", "b", "c"}),
        ("\u0939\u093f\u0928\u094d\u0926\u0940", {"\u0939\u093f\u0928\u094d\u0926\u0940"}),
        ("x" * 200, {"x" * 64}),
        ("... ?! \U0001f600", set()),
    ],
)
def test_text_becomes_terms(text: str, terms: set[str]):
    assert set(terms_of(text)) == terms


@given(st.text(st.characters(codec=None, exclude_categories=()), max_size=200))
def test_any_text_becomes_terms_that_can_be_stored(text: str):
    for term in terms_of(text):
        assert re.fullmatch(r"[^\s\"'\x00-\x1f\ud800-\udfff~]{1,64}", term), ascii(term)


@given(st.text(max_size=100), st.text(max_size=100))
def test_counts_of_two_lines_add_up(one: str, two: str):
    assert terms_of(f"{one}\n \n{two}") == terms_of(one) + terms_of(two)


def test_a_message_is_all_that_it_says():
    message = Message(
        "assistant",
        (ReasoningBlock("pondering"), TextBlock("hello"), ToolCallBlock("id", "grep", '{"q": "needle"}')),
        name="Ann",
    )
    assert set(message_terms(message)) == {"ann", "ponder", "hello", "grep", "q", "needl"}


def test_a_query_keeps_its_telling_words():
    assert query_words("When did Caroline go to the support-group?") == {
        "carolin": "Caroline",
        "go": "go",
        "support": "support-group",
        "group": "support-group",
        "support-group": "support-group",
    }
    assert query_words("What is this, and who are you?") == {}


def test_a_long_query_keeps_keys_and_long_words():
    text = " ".join(f"w{'abcdefghij'[n % 10]}{'abcdefghij'[n // 10]}" for n in range(100))
    words = query_words(f"{text} CLI-8C extraordinarily")
    assert len(words) == MAX_QUERY_TERMS
    assert {"cli-8c", "extraordinarili"} <= set(words)


@given(st.text(st.sampled_from("京都大学東西南北あいうえお"), min_size=1, max_size=30), st.integers(1, 1500))
def test_a_long_run_without_spaces_gives_all_its_pairs(text: str, times: int):
    run = text * times
    assert terms_of(run) == (Counter(map("".join, pairwise(run))) or Counter([run]))


@given(
    st.lists(st.text(st.sampled_from("abcdé京都가"), min_size=4, max_size=12), min_size=80, max_size=90),
)
def test_a_whole_of_any_length_gives_its_parts(words: list[str]):
    assert terms_of(".".join(words)) == sum((terms_of(word) for word in words), Counter())


def test_of_base64_only_the_beginning_is_indexed():
    data = base64.b64encode(random.Random(1).randbytes(60_000)).decode()
    found = terms_of(f"the picture {data} of a lighthouse")
    assert {"pictur", "lighthous"} <= set(found)
    assert len(found) < 40
    assert set(query_words(data)) <= set(found)


def test_a_file_given_as_an_address_is_not_indexed():
    data = MediaBlock("image", url="data:image/svg+xml,%3Csvg%20circle%3E")
    assert not message_terms(Message("user", (data,)))
    assert "cat" in message_terms(Message("user", (MediaBlock("image", url="https://x.org/cat.png"),)))


@pytest.mark.parametrize("text", [" ".join(map(str, range(9000))), "".join(map(chr, range(0x4E00, 0x9000)))])
def test_the_terms_of_one_text_are_bounded(monkeypatch: pytest.MonkeyPatch, text: str):
    monkeypatch.setattr(terms, "MAX_TERMS", 500)
    assert 500 <= len(terms_of(text)) < 5000
    assert next(iter(terms_of(text))) in ("0", "\u4e00\u4e01")


def test_nothing_of_a_long_run_stays_in_memory():
    chosen = random.Random(2)
    text = "".join(chr(chosen.randint(0x4E00, 0x9FA5)) for _ in range(100_000))
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        terms_of(text)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 100_000
