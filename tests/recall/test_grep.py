"""`grep`: what a plain scan finds, in pages, in bounded time."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from context_compaction.archive import Archive, open_archive
from context_compaction.counting import CallableCounter
from context_compaction.errors import QueryError
from context_compaction.messages import Message, ReasoningBlock, TextBlock, ToolCallBlock, ToolResultBlock
from context_compaction.recall import Bounds, Grep, GrepHit, grep, patterns
from context_compaction.testing.archive_rows import Writer, nasty_messages

WORDS = CallableCounter(lambda text: len(text.split()))
lines = st.lists(st.text("abAB .\\\u00e9\u0130\ud800\0\r\t", max_size=8), min_size=1, max_size=5).map(
    "\n".join
)
messages = st.one_of(
    lines.map(lambda text: Message("user", (TextBlock(text),), timestamp=1e9)),
    lines.map(lambda text: Message("assistant", (ReasoningBlock(text), TextBlock(text)))),
    lines.map(lambda text: Message("assistant", (TextBlock(text), ToolCallBlock("c", "a.b", text)))),
    lines.map(lambda text: Message("tool", (ToolResultBlock("c", text),))),
)
EXPRESSIONS = (
    "a+b",
    "^a",
    "b$",
    "^$",
    "[ab]{2,3}",
    "(a|b)*A",
    r"\w\W",
    "a.b",
    "(?:)",
    r"\.",
    "(?i)ab",
    "\u0130",
    r"a\b",
)


def found(archive: Archive, branch: int, wanted: Grep, max_tokens: int = 20) -> list[GrepHit]:
    """All pages, as a caller takes them."""
    out: list[GrepHit] = []
    page = wanted.page(archive, branch, WORDS, max_tokens=max_tokens, cursor=None)
    while True:
        assert page.tokens <= max_tokens or len(page.items) == 1
        out += page.items
        if page.next is None:
            return out
        page = wanted.page(archive, branch, WORDS, max_tokens=max_tokens, cursor=page.next)


def answered(archive: Archive, branch: int, pattern: str) -> list[GrepHit] | str:
    """What a regular expression finds, or what is said of it."""
    try:
        return found(archive, branch, Grep(pattern, regex=True), 10**9)
    except QueryError as error:
        return str(error)


def scanned(said: list[Message], pattern: re.Pattern[str]) -> list[tuple[str, int, str, int, int]]:
    """A plain scan with the standard library."""
    out: list[tuple[str, int, str, int, int]] = []
    for seq, message in enumerate(said, 1):
        number = 0
        for block in message.blocks:
            text = ""
            if isinstance(block, ToolCallBlock):
                text = f"{block.name}({block.arguments})"
            elif isinstance(block, ToolResultBlock):
                text = block.content
            elif isinstance(block, (TextBlock, ReasoningBlock)):
                text = block.text
            for line in text.split("\n"):
                number += 1
                if match := pattern.search(line):
                    out.append((f"m:{seq}", number, line, *match.span()))
    return out


def plainly(hits: list[GrepHit]) -> list[tuple[str, int, str, int, int]]:
    return [(hit.ref, hit.line, hit.text, hit.start, hit.end) for hit in hits]


@given(
    st.lists(messages, max_size=12),
    st.text("abAB .\\\u00e9\u0130", min_size=1, max_size=3),
    st.integers(1, 30),
)
@settings(max_examples=60, deadline=None)
def test_a_literal_is_found_as_by_a_plain_scan(said: list[Message], pattern: str, max_tokens: int):
    """Nothing in it is syntax."""
    with open_archive() as archive:
        writer = Writer.of(archive)
        writer.append(*said)
        for ignore_case in (False, True):
            expected = scanned(said, re.compile(re.escape(pattern), re.IGNORECASE if ignore_case else 0))
            hits = found(archive, writer.branch, Grep(pattern, ignore_case=ignore_case), max_tokens)
            assert plainly(hits) == expected


@given(st.lists(messages, max_size=12), st.sampled_from(EXPRESSIONS), st.booleans())
@settings(max_examples=60, deadline=None)
def test_an_expression_is_found_as_by_a_plain_scan(said: list[Message], pattern: str, ignore_case: bool):
    with open_archive() as archive:
        writer = Writer.of(archive)
        writer.append(*said)
        expected = scanned(said, re.compile(pattern, re.IGNORECASE if ignore_case else 0))
        hits = found(archive, writer.branch, Grep(pattern, regex=True, ignore_case=ignore_case))
        assert plainly(hits) == expected


def test_pages_stay_while_the_log_grows():
    """What comes later is not of this question; without it a search for its own words would never end."""
    with open_archive() as archive:
        writer = Writer.of(archive)
        writer.say(*(f"line {number} of crane" for number in range(300)))
        wanted = Grep("crane")
        page = wanted.page(archive, writer.branch, WORDS, max_tokens=50, cursor=None)
        hits = list(page.items)
        while page.next is not None:
            writer.say("grep for crane")
            page = wanted.page(archive, writer.branch, WORDS, max_tokens=50, cursor=page.next)
            hits += page.items
        assert [hit.ref for hit in hits] == [f"m:{seq}" for seq in range(1, 301)]


def test_bounds_and_context():
    with open_archive() as archive:
        writer = Writer.of(archive)
        writer.append(
            *(
                Message(
                    "user", (TextBlock(f"one\ntwo\ncrane {day}\nfour\nfive"),), timestamp=f"2023-06-{day:02}"
                )
                for day in range(1, 11)
            )
        )

        def refs(after: Any, before: Any) -> list[str]:
            return [
                hit.ref
                for hit in found(archive, writer.branch, Grep("crane", bounds=Bounds.of(after, before)))
            ]

        assert refs("2023-06-03", "2023-06-05") == ["m:3", "m:4"]
        assert refs("m:3", datetime(2023, 6, 6, tzinfo=UTC)) == ["m:4", "m:5"]
        assert refs(None, 3) == ["m:1", "m:2"]
        assert refs("2024", None) == []
        [hit, *_] = found(archive, writer.branch, Grep("crane", context=1))
        assert (hit.before, hit.text, hit.after, hit.line) == (("two",), "crane 1", ("four",), 3)
        assert str(hit) == "[m:1:3] two\ncrane 1\nfour"
        [hit, *_] = found(archive, writer.branch, Grep("one", context=9))
        assert (hit.before, hit.after) == ((), ("two", "crane 1", "four", "five"))


def test_of_a_long_line_the_place_is_shown():
    with open_archive() as archive:
        writer = Writer.of(archive)
        writer.say("x" * 50_000 + "needle" + "y" * 50_000)
        [hit] = found(archive, writer.branch, Grep("needle"))
        assert len(hit.text) == grep.MAX_CHARS
        assert hit.text[hit.start : hit.end] == "needle"
        [hit] = found(archive, writer.branch, Grep("x+needle", regex=True))
        assert (hit.start, hit.end) == (0, grep.MAX_CHARS)


BOMBS = (
    "(a+)+$",
    "(a|a?)*b",
    "(?:(?:a*)*)*b",
    r"(\w+\s?)*!",
    "((a{1,1000}){1,1000}){1,1000}b",
    "(a|aa)+$",
    "(.*)*x\\1y",
)


@pytest.mark.parametrize("pattern", BOMBS)
def test_a_regex_bomb_ends(pattern: str, monkeypatch: pytest.MonkeyPatch):
    """With an answer or a typed error that says what to do; which one is the library's to say."""
    monkeypatch.setattr(patterns, "LINE_SECONDS", 0.2)
    with open_archive() as archive:
        writer = Writer.of(archive)
        writer.say("a" * 3000 + "b" + "a " * 50 + "?")
        answer = answered(archive, writer.branch, pattern)
    assert "repeat less within what is repeated" in answer if isinstance(answer, str) else len(answer) <= 1


def test_an_expression_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(patterns, "LINE_SECONDS", 0.1)
    with open_archive() as archive:
        writer = Writer.of(archive)
        writer.say("a" * 5000)
        with pytest.raises(QueryError, match="was given up after"):
            found(archive, writer.branch, Grep("((a{1,1000}){1,1000}){1,1000}b", regex=True))


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "(" * 900,
        "[" * 900,
        "(?P<x>" * 100,
        "a{9999999999999}",
        "*",
        "a**",
        "\\",
        "(?P<1>a)",
        "a" * 1001,
        "[z-a]",
    ],
)
def test_what_is_no_expression(pattern: str):
    with open_archive() as archive, pytest.raises(QueryError) as caught:
        found(archive, Writer.of(archive).branch, Grep(pattern, regex=True))
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("pattern", [None, b"x", 7, "a\nb"])
def test_what_is_no_literal(pattern: Any):
    with open_archive() as archive, pytest.raises(QueryError):
        found(archive, Writer.of(archive).branch, Grep(pattern))


def test_a_long_text_is_looked_for_in_linear_time_or_not_at_all():
    """Nearly found at every place of a long line."""
    with open_archive() as archive:
        writer = Writer.of(archive)
        writer.say("a" * 2_000_000)
        assert found(archive, writer.branch, Grep("a" * 50_000 + "b")) == []
        assert found(archive, writer.branch, Grep("a" * 999 + "B", ignore_case=True)) == []
        with pytest.raises(QueryError, match="where case is ignored, 1,000 at most"):
            found(archive, writer.branch, Grep("a" * 1001, ignore_case=True))


@pytest.mark.parametrize("context", [-1, 21, True, "x"])
def test_what_is_no_context(context: Any):
    with open_archive() as archive, pytest.raises(QueryError, match="context is how many lines, 0 to 20"):
        found(archive, Writer.of(archive).branch, Grep("x", context=context))


HOSTILE = (
    "a" * 1_000_000,
    "\0",
    "\ud800",
    "' OR 1=1 --",
    "terms:apple NEAR/2",
    "[[a]",
    "(?#",
    "a && b",
    "\U0001f600",
)


@pytest.mark.parametrize("pattern", HOSTILE)
def test_any_text_can_be_looked_for(pattern: str):
    """As a literal it is found where it was said; as an expression it is one or a typed error."""
    with open_archive() as archive:
        writer = Writer.of(archive)
        writer.append(*nasty_messages())
        writer.say(f"x{pattern}x")
        refs = {hit.ref for hit in found(archive, writer.branch, Grep(pattern), 10**9)}
        assert f"m:{writer.last_seq}" in refs
        answer = answered(archive, writer.branch, pattern)
        assert len(answer) < 400


def test_a_page_ends_in_time_and_goes_on(monkeypatch: pytest.MonkeyPatch):
    """Even with nothing found; each one moves on."""
    monkeypatch.setattr(grep, "PAGE_SECONDS", -1.0)
    with open_archive() as archive:
        writer = Writer.of(archive)
        writer.say("one\ntwo", "three", "four")
        sizes, cursor = list[int](), None
        for _ in range(20):
            page = Grep("four").page(archive, writer.branch, WORDS, max_tokens=9, cursor=cursor)
            sizes.append(len(page.items))
            if (cursor := page.next) is None:
                break
        assert sizes == [0, 0, 0, 1, 0]


def test_what_was_pruned_is_not_found():
    with open_archive() as archive:
        writer = Writer.of(archive)
        writer.say("crane one", "crane two", "pruned crane")
        archive.prune(max_age=0, uncovered=True)
        refs = [hit.ref for hit in found(archive, writer.branch, Grep("pruned"))]
        left = [row.seq for row in archive.messages(writer.branch) if not row.pruned]
        assert refs == [f"m:{seq}" for seq in left if seq == 3]
        assert len(left) < 3
