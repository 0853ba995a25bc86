"""Contract checks of pruning: what must stay, what may go, and what is left of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from context_compaction.archive import Archive, Commit, Fork, Pruned
from context_compaction.errors import CompactionError
from context_compaction.messages import MediaBlock, Message, TextBlock
from context_compaction.recall import recall
from context_compaction.testing.archive_contract import Backend
from context_compaction.testing.archive_rows import PICTURE, Writer, answer, calling, event, summary
from context_compaction.view import Edited, Entry, Gap, Kept, Pin, Range, Summary, SummaryRecord, View

TEXTS = ("apple pie", "pear tart", "plum cake", "cherry jam", "grape juice", "lemon ice")


def what_a_view_shows_stays(backend: Backend) -> None:
    """However old and big it is; also what no summary covers, and what it shows edited."""
    with backend.opened() as archive:
        writer = Writer.of(archive)
        writer.say(*TEXTS)
        assert archive.prune(max_age=0, max_bytes=0) == Pruned()
        edited = Edited(2, (TextBlock("shorter"),), "cleared", 3)
        compacted(writer, Kept(1), edited, Summary(1), Gap(4, 4), ranges=((3, 3),), head_end=4)
        archive.prune(max_age=0)
        assert pruned(archive, writer.branch) == {3}


def tombstones_keep_their_place(backend: Backend) -> None:
    """Number, id, hash, tokens and group are as before; text, search and neighbours are gone."""
    with backend.opened() as archive:
        writer = Writer.of(archive)
        writer.append(*(Message("user", (TextBlock(text),), id=f"i{text}") for text in TEXTS))
        compacted(writer, Summary(1), ranges=((1, 3),), head_end=3)
        before = archive.messages(writer.branch)
        found = archive.prune(max_age=timedelta(0))
        assert (found.messages, found.sessions) == (3, 1)
        assert found.bytes >= sum(len(text) for text in TEXTS[:3])
        after = archive.messages(writer.branch)
        same = ("seq", "hash", "tokens", "group", "kind", "counter", "supersedes")
        for name in same:
            assert [getattr(row, name) for row in before] == [getattr(row, name) for row in after], name
        assert [row.pruned for row in after] == [True] * 3 + [False] * 3
        assert not any(word in after[0].message.text for word in TEXTS[0].split())
        assert after[3:] == before[3:]
        assert archive.find_ids(writer.branch, [f"i{TEXTS[0]}"])[f"i{TEXTS[0]}"][0] == 1
        assert [row.pruned for row in archive.outline(writer.branch)] == [row.pruned for row in after]
        assert archive.sizes(writer.branch) == [(row.tokens, row.pruned) for row in after]
        assert recall(archive, writer.branch, "plum") == []
        [hit, *rest] = recall(archive, writer.branch, "cherry")
        assert (hit.ref, hit.neighbours) == ("m:4", ("m:5", "m:6"))
        assert {found.ref for found in rest} == {"m:5", "m:6"}
        assert archive.search(writer.branch, ["cherri"]).total == 4
        assert archive.prune(max_age=0) == Pruned()


def system_messages_and_pins_stay(backend: Backend) -> None:
    """Pins that are set, and those of the present view; also with ``uncovered``."""
    with backend.opened() as archive:
        writer = Writer.of(archive)
        writer.append(Message("system", (TextBlock("be kind"),)), Message("developer", (TextBlock("be"),)))
        writer.say(*TEXTS)
        archive.pin(writer.branch, Pin("m:3", "apple"))
        compacted(writer, Summary(1), ranges=((1, 8),), head_end=8, pins=(Pin("m:4", "pear"),))
        archive.prune(max_age=0, uncovered=True)
        assert pruned(archive, writer.branch) == {5, 6, 7, 8}
        archive.unpin(writer.branch, "m:3")
        archive.prune(max_age=0)
        assert pruned(archive, writer.branch) == {3, 5, 6, 7, 8}


def what_no_summary_covers_goes_if_told(backend: Backend) -> None:
    """In gaps nothing changes; what the view shows becomes a gap in a next version, and a report tells."""
    with backend.opened() as archive:
        writer = Writer.of(archive)
        writer.say(*TEXTS)
        edited = Edited(2, (TextBlock("pear"),), "cleared", 5)
        compacted(writer, edited, Summary(1), Gap(3, 3), ranges=((1, 1),), head_end=3)
        archive.prune(max_age=0, uncovered=True)
        assert pruned(archive, writer.branch) == {1, 2, 3, 4, 5, 6}
        state = archive.state(writer.branch)
        assert state.view == View(2, 6, (Summary(1), Gap(2, 6)))
        report = archive.events(writer.branch)[-1]
        assert (report.committed, report.version, report.at_seq, report.removed) == (True, 2, 6, 4)
        assert (report.trigger, report.outcome, report.reason) == ("manual", "reduced", "pruned")
        said = sum(row.tokens for row in archive.messages(writer.branch)[3:])
        assert report.tokens_saved == 5 + said
        assert archive.view(writer.branch, 1).head == (Summary(1), Gap(2, 3)), "an edit holds text"
        writer.say("and on")
        assert [row.pruned for row in archive.messages(writer.branch)] == [True] * 6 + [False]


def a_gap_alone_leaves_the_view_as_it_is(backend: Backend) -> None:
    """No version, no report: the model sees what it saw."""
    with backend.opened() as archive:
        writer = Writer.of(archive)
        writer.say(*TEXTS)
        compacted(writer, Gap(1, 4), *map(Kept, (5, 6)), head_end=6)
        before = archive.state(writer.branch)
        assert archive.prune(max_bytes=0) == Pruned()
        assert archive.prune(max_bytes=0, uncovered=True).messages == 5, "the last turn stays"
        assert archive.state(writer.branch).view.head == (Kept(6), Gap(1, 5))
        assert before.view.head == (Kept(5), Kept(6), Gap(1, 4))
        other = Writer.of(archive, "other")
        other.say(*TEXTS)
        compacted(other, Gap(1, 5), Kept(6), head_end=6)
        before = archive.state(other.branch)
        assert archive.prune(max_bytes=0, uncovered=True).messages == 5
        assert archive.state(other.branch) == before
        assert len(archive.events(other.branch)) == 1


def groups_go_whole(backend: Backend) -> None:
    """A call with all its results, or none of them; a call that waits for a result not at all."""
    with backend.opened() as archive:
        writer = Writer.of(archive)
        writer.append(calling("a", "b"), answer("a"), Message("user", (TextBlock("on"),)), answer("b"))
        writer.append(calling("c"), answer("c"), Message("user", (TextBlock("on"),)))
        compacted(writer, Summary(1), Kept(4), ranges=((1, 3), (5, 6)), head_end=6)
        archive.prune(max_age=0)
        assert pruned(archive, writer.branch) == {3, 5, 6}, "the late answer is still shown"
        writer.append(calling("d", "e"), answer("d"))
        archive.prune(max_age=0, uncovered=True)
        assert pruned(archive, writer.branch) == set(range(1, 8))
        writer.append(answer("e"))
        assert archive.messages(writer.branch)[-1].kind == "live"


def forks_must_do_without_it_too(backend: Backend) -> None:
    """Branches of the session, and sessions forked from it: shown, pinned or uncovered in one, it stays."""
    with backend.opened() as archive:
        writer = Writer.of(archive)
        writer.say(*TEXTS)
        own = archive.fork(writer.branch, Fork(4, View(1, 1, (Gap(1, 1),)), 0, {}, activate=False))
        other = archive.fork(writer.branch, Fork(2, View(), 0, {}, session_id="other"))
        compacted(writer, Summary(1), ranges=((1, 6),), head_end=6)
        archive.prune(max_age=0)
        assert pruned(archive, writer.branch) == {5, 6}
        archive.activate(own)
        compacted(Writer(archive, own, 4), Summary(1), ranges=((1, 4),), head_end=4, base=1)
        archive.prune(max_age=0)
        assert pruned(archive, writer.branch) == {3, 4, 5, 6}
        archive.pin(other, Pin("m:2", "pear"))
        compacted(Writer(archive, other, 2), Summary(1), ranges=((1, 2),), head_end=2)
        archive.prune(max_age=0)
        assert pruned(archive, writer.branch) == {1, 3, 4, 5, 6}
        assert pruned(archive, other) == {1}
        totals = [archive.search(branch, ["pear"]).total for branch in (writer.branch, own, other)]
        assert totals == [2, 2, 2], "the message that stays, and each one's summary"


def a_group_may_reach_into_a_fork(backend: Backend) -> None:
    """The result came in the fork: call and result go together, and for both branches."""
    with backend.opened() as archive:
        writer = Writer.of(archive)
        writer.append(Message("user", (TextBlock("go"),)), calling("a"))
        fork = archive.fork(writer.branch, Fork(2, View(), 0, {}, session_id="fork"))
        writer.append(answer("a", "here"))
        writer.say("thanks")
        other = Writer.of(archive, "fork")
        other.append(answer("a", "there"))
        other.say("thanks")
        compacted(writer, Summary(1), Kept(4), ranges=((1, 3),), head_end=4)
        compacted(other, Summary(1), Kept(3), Kept(4), ranges=((1, 2),), head_end=4)
        archive.prune(max_age=0)
        assert pruned(archive, fork) == pruned(archive, writer.branch) == {1}
        compacted(other, Summary(2), Kept(4), ranges=((1, 3),), head_end=4, base=1)
        archive.prune(max_age=0)
        assert pruned(archive, fork) == pruned(archive, writer.branch) == {1, 2, 3}


def the_oldest_go_first(backend: Backend) -> None:
    """Until messages and media are back under the limit; never of a branch's last turn."""
    with backend.opened() as archive:
        one, two = Writer.of(archive, "one"), Writer.of(archive, "two")
        for number in range(4):
            for writer in (one, two):
                writer.say(f"question {number} " + "word " * 200)
                writer.append(Message("assistant", (TextBlock("text " * 200),)))
        for writer in (one, two):
            compacted(writer, Summary(1), ranges=((1, 8),), head_end=8)
        probe = 10**6
        while (found := archive.prune(max_bytes=probe)) == Pruned():
            probe = probe * 9 // 10
        assert pruned(archive, one.branch) == set(range(1, found.messages + 1)), "the older session first"
        assert (pruned(archive, two.branch), found.sessions) == (set(), 1)
        assert archive.prune(max_bytes=probe) == Pruned(), "one run is enough"
        archive.prune(max_bytes=0)
        assert pruned(archive, one.branch) == pruned(archive, two.branch) == set(range(1, 7))


def media_go_with_their_last_message(backend: Backend) -> None:
    """They count as freed then, and only then."""
    with backend.opened() as archive:
        writer = Writer.of(archive)
        for _ in range(2):
            writer.append(Message("user", (MediaBlock("image", data=PICTURE),)))
            writer.say("look")
        compacted(writer, Summary(1), *map(Kept, (2, 3, 4)), ranges=((1, 1),), head_end=4)
        assert archive.prune(max_age=0).bytes < 5000
        assert archive.messages(writer.branch, [(3, 3)])[0].message.blocks == (
            MediaBlock("image", data=PICTURE),
        )
        compacted(writer, Summary(2), *map(Kept, (2, 4)), ranges=((1, 1), (3, 3)), head_end=4, base=1)
        assert archive.prune(max_age=0).bytes >= 10_240


def limits_that_mean_nothing_are_refused(backend: Backend) -> None:
    """And nothing is pruned; large ones let everything stay."""
    with backend.opened() as archive:
        writer = Writer.of(archive)
        writer.say(*TEXTS)
        compacted(writer, Summary(1), ranges=((1, 6),), head_end=6)
        wrong = [(None, None), (-1, None), (timedelta(-1), None), (float("nan"), None), (None, -1)]
        for max_age, max_bytes in wrong:
            with pytest.raises(ValueError, match=r"max_age|max_bytes") as caught:
                archive.prune(max_age, max_bytes)
            assert not isinstance(caught.value, CompactionError)
        assert archive.prune(max_age=3600, max_bytes=10**9) == Pruned()
        assert archive.prune(max_age=float("inf")) == Pruned()
        assert archive.prune(max_age=timedelta(days=120)) == Pruned()


CHECKS = (
    what_a_view_shows_stays,
    tombstones_keep_their_place,
    system_messages_and_pins_stay,
    what_no_summary_covers_goes_if_told,
    a_gap_alone_leaves_the_view_as_it_is,
    groups_go_whole,
    forks_must_do_without_it_too,
    a_group_may_reach_into_a_fork,
    the_oldest_go_first,
    media_go_with_their_last_message,
    limits_that_mean_nothing_are_refused,
)


def compacted(
    writer: Writer,
    *head: Entry,
    head_end: int,
    ranges: tuple[Range, ...] = (),
    base: int = 0,
    pins: tuple[Pin, ...] = (),
) -> None:
    """Commit a view of these entries, with a summary over ``ranges`` for each one it shows."""
    written: tuple[SummaryRecord, ...] = tuple(
        summary(entry.id, "of fruit", ranges=ranges) for entry in head if isinstance(entry, Summary)
    )
    view = View(base + 1, head_end, pins=pins).rebuilt(head)
    report = replace(event("summarized"), at_seq=writer.last_seq, version=base + 1, committed=True)
    writer.archive.commit(writer.branch, Commit(base, view, written, report, {}))


def pruned(archive: Archive, branch: int) -> set[int]:
    """The numbers of a branch's tombstones."""
    return {row.seq for row in archive.outline(branch) if row.pruned}
