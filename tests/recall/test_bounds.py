"""After, before and between: by message, by day, by moment."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from context_compaction.archive import open_archive
from context_compaction.errors import QueryError
from context_compaction.messages import Message, TextBlock
from context_compaction.recall import Bound, Bounds, recall
from context_compaction.testing.archive_rows import Writer, commit, summary

DAY = 86_400.0


@pytest.mark.parametrize(
    ("bound", "seq", "time"),
    [
        (57, 57, None),
        ("m:57", 57, None),
        (" m:57 ", 57, None),
        ("1970-01-03", None, 2 * DAY),
        ("1970-02", None, 31 * DAY),
        ("1971", None, 365 * DAY),
        (date(1970, 1, 3), None, 2 * DAY),
        (datetime(1970, 1, 3, 6, tzinfo=UTC), None, 2.25 * DAY),
        (datetime(1970, 1, 3, 6), None, 2.25 * DAY),  # noqa: DTZ001 - without a zone, that is the point
        (datetime(1970, 1, 3, 6, tzinfo=timezone(timedelta(hours=6))), None, 2 * DAY),
        ("1970-01-03T00:00:00+06:00", None, 1.75 * DAY),
        ("3 January 1970", None, 2 * DAY),
    ],
)
def test_what_a_bound_means(bound: Bound, seq: int | None, time: float | None):
    after, before = Bounds.of(bound, None), Bounds.of(None, bound)
    assert (after.first, after.since) == (1 if seq is None else seq + 1, time)
    assert before.until == time
    assert seq is None or before.last == seq - 1


@pytest.mark.parametrize(
    "bound", ["", "m:", "s:3", "yesterday", -1, True, 1.5, b"x", "\0", "\ud800", "9" * 10**6]
)
def test_what_is_no_bound(bound: object):
    """The error names the argument and shows what can be given."""
    with pytest.raises(QueryError, match=r"^before is .*'m:57', or a time such as") as caught:
        Bounds.of("m:1", bound)  # pyright: ignore[reportArgumentType] - that is the point
    assert len(str(caught.value)) < 400


times = st.lists(st.none() | st.integers(0, 40), min_size=1, max_size=40)
edges = (
    st.none() | st.integers(0, 45) | st.integers(0, 45).map(lambda n: datetime.fromtimestamp(n * 3600, UTC))
)


@given(times, edges, edges)
@settings(max_examples=80, deadline=None)
def test_a_bounded_recall_is_the_messages_between(
    said: list[int | None], after: Bound | None, before: Bound | None
):
    """All that match within the bounds, and nothing else, by a plain reading of what the bounds say."""
    with open_archive() as archive:
        writer = Writer.of(archive)
        writer.append(
            *(
                Message("user", (TextBlock("apple"),), timestamp=None if at is None else at * 3600.0)
                for at in said
            )
        )
        found = recall(archive, writer.branch, "apple", 99, bounds=Bounds.of(after, before))
        expected: set[str] = set()
        last: float | None = None
        for seq, at in enumerate(said, 1):
            last = last if at is None else at * 3600.0
            if _inside(seq, last, after, before):
                expected.add(f"m:{seq}")
        assert {hit.ref for hit in found} == expected


def _inside(seq: int, at: float | None, after: Bound | None, before: Bound | None) -> bool:
    if isinstance(after, datetime) and (at is None or at < after.timestamp()):
        return False
    if isinstance(before, datetime) and (at is None or at >= before.timestamp()):
        return False
    return not (isinstance(after, int) and seq <= after) and not (isinstance(before, int) and seq >= before)


def test_a_common_word_is_found_where_it_is_asked_for():
    """Also where hundreds of newer messages hold it too."""
    with open_archive() as archive:
        writer = Writer.of(archive)
        writer.say(*(f"boat {number}" for number in range(1000)))
        found = recall(archive, writer.branch, "boat", 3, bounds=Bounds.of("m:3", "m:7"))
        assert {hit.ref for hit in found} == {"m:4", "m:5", "m:6"}


def test_a_summary_is_within_only_with_all_that_it_stands_for():
    with open_archive() as archive:
        writer = Writer.of(archive)
        writer.say("one", "two", "three", "four", "five", "six", "seven")
        archive.commit(writer.branch, commit(0, summary(1, "a quagga", ranges=((3, 3), (5, 5)))))

        def refs(after: Bound | None, before: Bound | None) -> list[str]:
            bounds = Bounds.of(after, before)
            return [hit.ref for hit in recall(archive, writer.branch, "quagga", bounds=bounds)]

        assert refs("m:2", "m:6") == ["s:1"]
        assert refs("m:3", None) == []
        assert refs(None, "m:5") == []
