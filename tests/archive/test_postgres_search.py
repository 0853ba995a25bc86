"""Search in PostgreSQL finds what search in SQLite finds, with the same numbers, and nothing of others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from context_compaction import Message, open_archive
from context_compaction.archive import Archive, Fork, SearchPool
from context_compaction.recall import recall, search
from context_compaction.testing.archive_rows import Writer, commit, summary
from context_compaction.text.periods import periods_of
from context_compaction.view import View
from tests.recall.test_scope import answers, conversations, texts

SLOWLY = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
HOSTILE = (
    "apple & !pear | (plum:*)",
    "'apple' <-> \"pear\"",
    "~b1 ~n1 ~b2",
    "$1 %s %(p1)s ? ?1 {0}",
    "'; DROP TABLE messages; --",
    "\\ \\x00 E'\\n' \x00 \ud800 \n \r",
    "{apple,pear} ARRAY['apple']",
    "apple " * 180_000,
    "((((((((((a|b)*)*)*)*)*)*)*)*)*)*" * 1000,
)


@pytest.fixture
def archive(postgres_schema: str) -> Iterator[Archive]:
    with open_archive(postgres_schema) as opened:
        yield opened


def plain(pool: SearchPool) -> dict[str, Any]:
    """Without the archive's own numbers, and in the order of the log."""
    documents = [
        (found.ref, found.first, found.role, found.sitting, found.length, dict(found.terms), found.periods)
        for found in pool.documents
    ]
    rest = (
        pool.total,
        pool.mean_length,
        dict(pool.frequencies),
        list(pool.period_frequencies),
        pool.sittings,
    )
    return {"documents": sorted(documents, key=lambda found: (found[0], found[1])), "of the scope": rest}


@given(st.tuples(conversations, conversations), texts, st.integers(1, 40), st.integers(1, 25))
@SLOWLY
def test_it_finds_what_sqlite_finds(
    archive: Archive, both: tuple[list[Message], list[Message]], query: str, limit: int, at: int
):
    """Candidates, frequencies, sittings, hits and scores, in a log with a summary and in a fork of it."""
    said, later = both
    at, name = min(at, len(said)), uuid4().hex
    found: list[list[object]] = []
    with pytest.MonkeyPatch.context() as patch, open_archive() as file:
        patch.setattr(search, "CANDIDATES", limit)
        for each in (archive, file):
            writer = Writer.of(each, name, name)
            writer.append(*said)
            each.commit(writer.branch, commit(0, summary(1, text="apple pears June"), at_seq=len(said)))
            fork = each.fork(writer.branch, Fork(at, View(), 1, {}))
            Writer.of(each, name, name).append(*later)
            found.append([])
            for branch in (writer.branch, fork):
                pool = each.search(branch, query.lower().split(), limit, periods=periods_of(query))
                found[-1] += [plain(pool), each.sittings(branch, range(len(said) + len(later)))]
                found[-1] += [
                    (hit.ref, hit.message, hit.score, hit.why, hit.neighbours)
                    for hit in recall(each, branch, query, 30)
                ]
    assert found[0] == found[1]


@given(conversations, st.lists(conversations, min_size=1, max_size=2), texts, st.integers(1, 8))
@SLOWLY
def test_a_session_is_ranked_as_if_it_were_alone(
    archive: Archive, said: list[Message], others: list[list[Message]], query: str, limit: int
):
    """Whatever is said in other sessions and namespaces, and on other branches."""
    name = uuid4().hex
    with pytest.MonkeyPatch.context() as patch, open_archive() as alone:
        patch.setattr(search, "CANDIDATES", limit)
        expected = answers(alone, Writer.of(alone, "s"), said, query)
        for number, other in enumerate(others):
            Writer.of(archive, f"{name} before {number}", name).append(*other)
        writer = Writer.of(archive, name, name)
        assert answers(archive, writer, said, query) == expected
        for number, other in enumerate(others):
            Writer.of(archive, name, f"{name} {number}").append(*other, *said)
            archive.fork(writer.branch, Fork(1, View(), 0, {}))
            Writer.of(archive, name, name).append(*other)
        assert answers(archive, writer, [], query) == expected


@pytest.mark.parametrize("query", HOSTILE, ids=range(len(HOSTILE)))
def test_a_query_is_never_syntax(query: str, archive: Archive):
    """Nor are terms that were never analysed."""
    with ExitStack() as stack:
        found: list[object] = []
        for each in (archive, stack.enter_context(open_archive())):
            Writer.of(each, "other").say("apple pear plum")
            writer = Writer.of(each)
            writer.say("an apple", "a pear, a plum", query[:1000])
            found.append([(hit.ref, hit.score, hit.why) for hit in recall(each, writer.branch, query, 5)])
            raw = each.search(
                writer.branch, [*query[:2000].lower().split(" "), "", "~b1", '"', "a\tb", "\ud800"]
            )
            found.append(plain(raw))
        assert found[:2] == found[2:]
        assert archive.verify() == []


def test_a_text_of_any_size_is_found(archive: Archive):
    """Of more terms than a tsvector holds."""
    writer = Writer.of(archive)
    words = [f"word{number}x" for number in range(150_000)]
    writer.say("before", " ".join(words), "after")
    for number in (0, 77_777, 149_999):
        found = recall(archive, writer.branch, words[number])
        assert [hit.ref for hit in found if hit.why] == ["m:2"]
