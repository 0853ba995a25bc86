"""Contract checks of looking up by place and time: bounds, moments, sizes, and whose log it is."""

from __future__ import annotations

from datetime import UTC, datetime

from context_compaction.archive import Archive, Extent, Fork, Upto
from context_compaction.counting import CallableCounter
from context_compaction.messages import Message, TextBlock
from context_compaction.recall import Bounds, Grep, SearchHit, describe, recall, recall_page
from context_compaction.testing.archive_contract import Backend
from context_compaction.testing.archive_rows import Writer, commit, summary
from context_compaction.text.periods import periods_of
from context_compaction.view import View

WORDS = CallableCounter(lambda text: len(text.split()))
DAY = 86_400.0


def a_search_of_ranges_takes_only_these(backend: Backend) -> None:
    """What is counted stays the whole scope; of a fork, too, and of summaries by where they begin."""
    with backend.opened() as archive:
        writer = Writer.of(archive)
        writer.say(*("apple" for _ in range(20)), "pear apple")
        archive.commit(writer.branch, commit(0, summary(1, "apple jam", ranges=((3, 4),)), at_seq=20))
        whole = archive.search(writer.branch, ["appl", "pear"])
        assert len(whole.documents) == 22
        some = archive.search(writer.branch, ["appl", "pear"], ranges=[(2, 4), (19, 30)])
        assert {found.ref for found in some.documents} == {"m:2", "m:3", "m:4", "m:19", "m:20", "m:21", "s:1"}
        assert (some.total, some.mean_length, some.frequencies) == (
            whole.total,
            whole.mean_length,
            whole.frequencies,
        )
        assert archive.search(writer.branch, ["appl"], ranges=[]).documents == []
        few = archive.search(writer.branch, ["appl"], 2, ranges=[(2, 4), (6, 7)])
        assert len(few.documents) == 2
        child = archive.fork(writer.branch, Fork(6, View(), 0, {}, session_id="child"))
        Writer.of(archive, "child").say("an apple")
        forked = archive.search(child, ["appl"], ranges=[(6, 9)])
        assert {found.ref for found in forked.documents} == {"m:6", "m:7"}
        mixed = archive.search(writer.branch, ["appl"], ranges=[(seq, seq) for seq in range(1, 400, 2)])
        assert {f"m:{seq}" for seq in range(1, 22, 2)} <= {found.ref for found in mixed.documents}


def a_moment_is_searched_as_it_was(backend: Backend) -> None:
    """With ``upto`` nothing that came later is found, counted, or moves a score."""
    with backend.opened() as archive:
        writer = Writer.of(archive)
        writer.append(*(_said(f"apple {n}", n * DAY / 10) for n in range(1, 20)), _said("pear", 3 * DAY))
        archive.commit(writer.branch, commit(0, summary(1, "apple and pear"), at_seq=20))
        terms, periods = ["appl", "pear"], periods_of("on January 2nd")
        moment = Upto(20, 1)
        before = archive.search(writer.branch, terms, periods=periods)
        assert before.period_frequencies == [10]
        writer.append(*(_said("apple pear", n * DAY) for n in range(1, 30)))
        archive.commit(writer.branch, commit(1, summary(2, "more pears"), at_seq=40))
        after = archive.search(writer.branch, terms, periods=periods, upto=moment)
        assert {found.ref: found for found in after.documents} == {
            found.ref: found for found in before.documents
        }
        assert (after.total, after.mean_length, after.frequencies) == (
            before.total,
            before.mean_length,
            before.frequencies,
        )
        assert (after.period_frequencies, after.sittings) == (before.period_frequencies, before.sittings)
        now = archive.search(writer.branch, terms, periods=periods, upto=Upto(49, 2))
        assert now == archive.search(writer.branch, terms, periods=periods)
        child = archive.fork(writer.branch, Fork(30, View(), 1, {}, session_id="child"))
        again = archive.search(child, terms, periods=periods, upto=moment)
        assert {found.ref for found in again.documents} == {found.ref for found in before.documents}


def ranges_are_measured(backend: Backend) -> None:
    """Messages, tokens, tombstones and times, in a fork over its ancestors, too."""
    with backend.opened() as archive:
        writer = Writer.of(archive)
        writer.append(_said("one", 2 * DAY), _said("two", None), _said("three", DAY), _said("four", 9 * DAY))
        child = archive.fork(writer.branch, Fork(3, View(), 0, {}, session_id="child"))
        Writer.of(archive, "child").append(_said("fünf", 5 * DAY))
        sizes = [10, 10, 12]
        ranges = [(1, 4), (2, 2), (9, 9)]
        assert archive.extents(writer.branch, ranges) == [
            Extent(4, sum(sizes) + 11, 0, DAY, 9 * DAY),
            Extent(1, 10, 0, None, None),
            Extent(0, 0, 0, None, None),
        ]
        assert archive.extents(child, [(1, 4)]) == [Extent(4, sum(sizes) + 11, 0, DAY, 5 * DAY)]
        assert archive.extents(child, []) == []
        archive.prune(max_age=0, uncovered=True)
        assert archive.extents(writer.branch, [(1, 4)])[0].pruned > 0
        assert archive.extents(writer.branch, [(1, 4)])[0].messages == 4


def times_are_found_as_ranges(backend: Backend) -> None:
    """Whatever the order; a message without a time is of that of the one before it, in this branch."""
    with backend.opened() as archive:
        writer = Writer.of(archive)
        writer.append(*(_said("x", at and at * DAY) for at in (None, 1, 2, None, 7, 3, 2, None)))
        child = archive.fork(writer.branch, Fork(4, View(), 0, {}, session_id="child"))
        Writer.of(archive, "child").append(_said("y", 2.5 * DAY), _said("z", 8 * DAY))
        Writer.of(archive, "s", "elsewhere").append(_said("x", 2 * DAY))
        finds = {
            (2 * DAY, 3 * DAY): [(3, 4), (7, 8)],
            (None, 2 * DAY): [(2, 2)],
            (2.5 * DAY, None): [(5, 6)],
            (None, None): [(2, 8)],
            (8 * DAY, 9 * DAY): [],
        }
        assert {times: archive.said_within(writer.branch, *times) for times in finds} == finds
        within = archive.said_within(child, 2 * DAY, 3 * DAY)
        assert {seq for first, last in within for seq in range(first, last + 1)} == {3, 4, 5}


def looking_up_never_leaves_the_branch(backend: Backend) -> None:
    """Pages, grep, description and bounds tell nothing of another session, namespace or branch."""
    with backend.opened() as archive:
        writer = Writer.of(archive, "mine")
        writer.say("the apple pie", "an apple and a pear", "nothing else", "cherries")
        seen = _all(archive, writer.branch)
        for namespace, session in (("default", "theirs"), ("other", "mine")):
            other = Writer.of(archive, session, namespace)
            other.say(*(f"apple secret number {number}" for number in range(30)))
            archive.commit(other.branch, commit(0, summary(1, "apple secret"), at_seq=30))
        child = archive.fork(writer.branch, Fork(2, View(), 0, {}))
        branch = Writer(archive, child, 2)
        branch.say("apple secret of the branch")
        assert _all(archive, writer.branch) == seen
        assert "secret" not in str(seen)
        assert "cherries" in str(seen)
        forked = str(_all(archive, child))
        assert "secret of the branch" in forked
        assert "cherries" not in forked
        assert "secret number" not in forked


def archived_rows_and_summaries_are_found(backend: Backend) -> None:
    """What no view shows, what a later summary replaced, and the summary of what was pruned."""
    with backend.opened() as archive:
        writer = Writer.of(archive)
        writer.say("the zebra crossing", "of the road", "another", "and", "more", "of it", "now")
        archive.commit(
            writer.branch, commit(0, summary(1, "A quagga was mentioned.", ranges=((3, 4),)), at_seq=6)
        )
        distilled = summary(2, "Okapi.", generation=1, ranges=((3, 6),), sources=(1,))
        archive.commit(writer.branch, commit(1, distilled, at_seq=6))
        assert [hit.ref for hit in recall(archive, writer.branch, "quagga")] == ["s:1"]
        assert [hit.ref for hit in recall(archive, writer.branch, "okapi")] == ["s:2"]
        assert recall(archive, writer.branch, "another")[0].ref == "m:3"
        assert archive.prune(max_age=0).messages
        assert [hit.ref for hit in recall(archive, writer.branch, "another")] == []
        assert [hit.ref for hit in recall(archive, writer.branch, "quagga")] == ["s:1"]


CHECKS = (
    a_search_of_ranges_takes_only_these,
    a_moment_is_searched_as_it_was,
    ranges_are_measured,
    times_are_found_as_ranges,
    looking_up_never_leaves_the_branch,
    archived_rows_and_summaries_are_found,
)


def _said(text: str, at: float | None) -> Message:
    return Message("user", (TextBlock(text),), timestamp=None if at is None else _iso(at))


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()


def _all(archive: Archive, branch: int) -> list[object]:
    """All that can be looked up."""
    asked, most = "apple secret cherries", 10_000
    hits: list[tuple[SearchHit, ...]] = []
    for bounds in (Bounds(), Bounds.of("m:1", None), Bounds(since=0.0)):
        page = recall_page(archive, branch, asked, WORDS, bounds=bounds, max_tokens=most, cursor=None)
        hits.append(page.items)
    lines = [
        Grep("[a-z]", regex=True, bounds=bounds).page(archive, branch, WORDS, max_tokens=most, cursor=None)
        for bounds in (Bounds(), Bounds.of("m:1", None))
    ]
    return [hits, lines, describe(archive, branch, "x", "y")]
