"""A session is searched as if it were alone, however much else the archive holds."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from context_compaction.archive import Archive, open_archive
from context_compaction.messages import Message, TextBlock
from context_compaction.recall import recall, search
from context_compaction.testing.archive_rows import Writer

WORDS = (
    "apple",
    "pears",
    "quince",
    "user",
    "Ann",
    "the",
    "getIssue",
    "16 June",
    "June 2023",
    "?",
    '"apple pears"',
)
texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join)
messages = st.builds(
    lambda role, text, name, hours: Message(
        role, (TextBlock(text),), name=name, timestamp=None if hours is None else 1686873600.0 + hours * 3600
    ),
    st.sampled_from(("user", "assistant")),
    texts,
    st.sampled_from((None, "Ann", "Bob")),
    st.none() | st.integers(0, 600),
)
conversations = st.lists(messages, min_size=1, max_size=25)


@given(conversations, st.lists(conversations, min_size=1, max_size=3), texts, st.integers(1, 8))
@settings(max_examples=60, deadline=None)
def test_a_session_is_ranked_as_if_it_were_alone(
    said: list[Message], others: list[list[Message]], query: str, limit: int
):
    """Also where candidates are limited: what is left out is chosen within the session."""
    with pytest.MonkeyPatch.context() as patch, open_archive() as alone, open_archive() as full:
        patch.setattr(search, "CANDIDATES", limit)
        expected = answers(alone, Writer.of(alone, "s"), said, query)
        for number, other in enumerate(others):
            Writer.of(full, f"before {number}", "default").append(*other)
        writer = Writer.of(full, "s")
        assert answers(full, writer, said, query) == expected
        for number, other in enumerate(others):
            Writer.of(full, "s", f"namespace {number}").append(*other, *said)
        assert answers(full, writer, [], query) == expected


def answers(archive: Archive, writer: Writer, said: list[Message], query: str) -> list[object]:
    if said:
        writer.append(*said)
    return [replace(hit) for hit in recall(archive, writer.branch, query, 20)]


def test_common_words_read_no_more_than_the_limit(monkeypatch: pytest.MonkeyPatch):
    """However long the session: what is ranked is bounded, and so is the time that it takes."""
    with open_archive() as archive:
        writer = Writer.of(archive)
        writer.say(*(f"good time number {number}" for number in range(2000)))
        read: list[int] = []
        whole = search.rank

        def counting(pool: object, *rest: object, **options: object):
            read.append(len(pool.documents))  # pyright: ignore[reportAttributeAccessIssue]
            return whole(pool, *rest, **options)  # pyright: ignore[reportArgumentType]

        monkeypatch.setattr(search, "rank", counting)
        hits = recall(archive, writer.branch, "good time", 20)
        assert (len(hits), read) == (20, [search.CANDIDATES])
        assert recall(archive, writer.branch, "good time number 77")[0].ref == "m:78"
