"""Pages hold each result once, and all of them, while the log grows."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from context_compaction.archive import Archive, Upto, open_archive
from context_compaction.counting import CallableCounter
from context_compaction.errors import QueryError
from context_compaction.recall import Bounds, Page, SearchHit, recall, recall_page
from context_compaction.testing.archive_rows import Writer, commit, summary

WORDS = CallableCounter(lambda text: len(text.split()))
ANY = Bounds()
texts = st.lists(st.sampled_from(["apple", "pear", "quince", "the"]), min_size=1, max_size=12).map(" ".join)


def page(
    archive: Archive, branch: int, query: str = "apple pear", max_tokens: int = 40, cursor: str | None = None
) -> Page[SearchHit]:
    return recall_page(archive, branch, query, WORDS, bounds=ANY, max_tokens=max_tokens, cursor=cursor)


@given(
    st.lists(texts, min_size=1, max_size=30),
    st.lists(st.lists(texts, max_size=6), max_size=8),
    st.integers(1, 60),
    st.booleans(),
)
@settings(max_examples=50, deadline=None)
def test_each_once_and_all_of_them_while_the_log_grows(
    said: list[str], growth: list[list[str]], max_tokens: int, compacted: bool
):
    """Messages and summaries that come between two pages change nothing of them."""
    with open_archive() as archive:
        writer = Writer.of(archive)
        writer.say(*said)
        if compacted:
            archive.commit(
                writer.branch, commit(0, summary(1, "apple and pear", ranges=((1, 1),)), at_seq=len(said))
            )
        expected = recall(archive, writer.branch, "apple pear", 200, unique=True)
        found = [page(archive, writer.branch, max_tokens=max_tokens)]
        while (cursor := found[-1].next) is not None:
            more = growth.pop() if growth else []
            writer.say(*more)
            if len(found) == 1:
                version = int(compacted)
                late = summary(version + 1, "apple pear quince", ranges=((1, 1),))
                archive.commit(writer.branch, commit(version, late, at_seq=writer.last_seq))
            found.append(page(archive, writer.branch, max_tokens=max_tokens, cursor=cursor))
        assert [hit for each in found for hit in each.items] == expected
        for each in found:
            assert each.tokens <= max_tokens or len(each.items) == 1
            assert each.items or not expected


def test_a_page_is_as_full_as_it_can_be():
    with open_archive() as archive:
        writer = Writer.of(archive)
        writer.say(*(f"apple number {number}" for number in range(20)))
        first = page(archive, writer.branch, max_tokens=40)
        size = WORDS.message(recall(archive, writer.branch, "apple", 1)[0].message)  # pyright: ignore[reportArgumentType]
        assert len(first.items) == 40 // size
        assert first.tokens == size * len(first.items)
        assert page(archive, writer.branch, max_tokens=10**6).next is None


@pytest.mark.parametrize(
    "cursor", ["", "x", "1.2.3", "1.2.3.4", "-1.2.3.4", "1." * 100_000, "9" * 10**6, "\0", "\ud800", 7]
)
def test_what_is_no_cursor(cursor: object):
    with open_archive() as archive:
        writer = Writer.of(archive)
        writer.say("apple")
        with pytest.raises(QueryError, match="is no cursor of this question") as caught:
            page(archive, writer.branch, cursor=cursor)  # pyright: ignore[reportArgumentType] - that is the point
        assert len(str(caught.value)) < 300


def test_a_cursor_goes_with_its_question():
    with open_archive() as archive:
        writer = Writer.of(archive)
        writer.say(*("apple pear" for _ in range(9)))
        first = page(archive, writer.branch, max_tokens=7)
        assert first.next is not None
        with pytest.raises(QueryError, match="no cursor of this question"):
            page(archive, writer.branch, "pear", cursor=first.next)
        [hit, *_] = page(archive, writer.branch, cursor=first.next).items
        assert hit.ref != first.items[0].ref


@pytest.mark.parametrize("max_tokens", [0, -1, True, 1.5, None])
def test_a_page_of_no_size(max_tokens: int):
    with open_archive() as archive, pytest.raises(QueryError, match="max_tokens is how much a page may hold"):
        page(archive, Writer.of(archive).branch, max_tokens=max_tokens)


def test_a_recall_as_of_a_moment_is_what_it_was():
    """Neighbours that came later are none."""
    with open_archive() as archive:
        writer = Writer.of(archive)
        writer.say("apple", "pear")
        before = recall(archive, writer.branch, "apple pear")
        writer.say("apple", "pear pear")
        assert recall(archive, writer.branch, "apple pear", upto=Upto(2, 0)) == before
        assert {hit.neighbours for hit in before} == {("m:1",), ("m:2",)}
