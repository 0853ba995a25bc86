"""What a person reads of a session: numbers, timeline, fates, lineage, compactions."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from context_compaction import Budget, CompactionEvent, Policy, Session, TokenCounter
from context_compaction.display import html_of
from context_compaction.display.chart import MOST, STRIP, strip, thinned
from context_compaction.display.lineage import MOST as DRAWN
from context_compaction.display.lineage import lineage
from context_compaction.session import Point
from context_compaction.view import SummaryRecord
from tests.display.pages import read
from tests.session.talks import session, turns, wire
from tests.windows import WORDS, user


def talked(count: int = 30, **options: Any) -> Session:
    """A session that was compacted a few times, the last turn still open."""
    options.setdefault("policy", Policy.layered(max_leaves=1))
    s = session(**options)
    for number in range(1, count):
        s.append(turns(number, 1))
        s.after_turn()
    s.append([user("and now?")])
    s.context()
    return s


def test_its_numbers_are_those_of_the_session() -> None:
    s = talked()
    text, stats = read(s._repr_html_()).text, s.stats
    for number in (stats.tokens_said, stats.tokens_seen, stats.input_tokens, stats.tokens_saved):
        assert f"{number:,}" in text
    assert f"compactions{stats.compactions}" in text
    assert f"trigger, dashed: {int(0.85 * stats.input_tokens):,}" in text


def test_every_message_has_its_fate() -> None:
    """As the view tells, entry by entry; all messages of the log, once."""
    s = talked()
    report = s.report()
    assert len(report.fates) == len(report.sizes) == s.stats.messages_said
    tail = "\n".join(message.text for message in s.context() if not message.is_context)
    kept = {seq for seq, fate in enumerate(report.fates, 1) if fate == "kept"}
    asked = {2 * int(number) - 1 for number in re.findall(r"question (\d+) ", tail)}
    assert asked == {seq for seq in kept if seq % 2} - {s.stats.messages_said} != set()
    summarised = {seq for number in report.shown for seq in s.summaries[number].seqs}
    assert summarised == {seq for seq, fate in enumerate(report.fates, 1) if fate == "summarised"} != set()
    text = read(s._repr_html_()).text
    assert f"{len(kept)} messages" in text
    assert f"{len(summarised)} messages" in text


def test_gaps_and_edits_are_told_apart() -> None:
    gone = talked(policy=Policy.truncating()).report().fates
    assert gone[0] == "archived"
    assert gone[-1] == "kept"
    call = {"id": "c1", "type": "function", "function": {"name": "read_file", "arguments": "{}"}}
    s = session(policy=Policy.masking(keep_results=0))
    s.append([user("read it"), {"role": "assistant", "content": None, "tool_calls": [call]}])
    s.append([{"role": "tool", "tool_call_id": "c1", "content": "line " * 800}, *turns(1, 1)])
    s.after_turn()
    assert s.report().fates == ("kept", "kept", "edited", "kept", "kept")


def test_pruned_messages_are_told() -> None:
    s = talked()
    s.archive.prune(max_bytes=0)
    fates = s.report().fates
    assert "pruned" in fates
    assert "let go of by the owner" in read(s._repr_html_()).text


def test_a_superseded_prompt_is_in_the_archive_alone() -> None:
    s = session()
    s.append([{"role": "system", "content": "Be brief."}, user("hello")])
    s.sync([{"role": "system", "content": "Be kind."}, user("hello")])
    assert s.report().fates == ("archived", "kept", "kept")


def test_the_timeline_passes_through_what_each_compaction_found_and_left() -> None:
    """And said grows by what each message counts; the last point is how things stand."""
    s = talked()
    points, events = s.report().timeline.points, [event for event in s.events if event.committed]
    assert points[0] == (0, 0, 0)
    assert points[-1] == (s.stats.messages_said, s.stats.tokens_said, s.stats.tokens_seen)
    assert [point.seq for point in points] == sorted(point.seq for point in points)
    for event in events:
        seen = [point.seen for point in points if point.seq == event.at_seq]
        assert seen == [event.tokens_before, event.tokens_after]
    said = {point.seq: point.said for point in points}
    sizes = [row.tokens for row in s.archive.messages(s.branches()[0].id)]
    assert [said[seq] - said[seq - 1] for seq in range(1, len(said))] == sizes


def test_a_fork_begins_with_the_view_that_it_took_over() -> None:
    """Not with the whole log: it never saw that."""
    s = talked()
    s.fork(s.stats.messages_said)
    s.append(turns(99, 1))
    report = s.report()
    assert report.timeline.points[-1].seen == s.stats.tokens_seen < report.timeline.points[-1].said
    assert all(point.seen <= report.timeline.input_tokens for point in report.timeline.points)


def test_the_tree_of_summaries_is_the_lineage() -> None:
    """Each summary stands in the item of the one that was made from it."""
    s = talked(60)
    records = s.summaries
    root = records[s.view.summaries[-1]]
    assert root.sources, "no distillation: the talk is too short for this test"
    html = lineage(records, s.view.summaries)
    page = read(html)
    reached = [root.id]
    for number in reached:
        reached += records[number].sources
    assert [page.text.count(f"s:{number} ") for number in reached] == [1] * len(reached)
    assert page.text.index(f"s:{root.id} ") < page.text.index(f"s:{root.sources[0]} ")
    assert page.tags == {"ul", "li", "details", "summary", "b", "span", "div"}


def test_a_lineage_of_any_shape_is_drawn() -> None:
    """Deep, wide, circular or with sources that are gone."""
    deep = {number: record(number, (number - 1,)) for number in range(1, 2000)}
    wide = {1: record(1, tuple(range(2, 500))), **{number: record(number) for number in range(2, 500)}}
    circle = {1: record(1, (2,)), 2: record(2, (1, 77))}
    assert read(lineage(deep, [1999])).text.count("generation") == DRAWN
    assert read(lineage(wide, [1])).text.count("generation") == DRAWN
    assert read(lineage(circle, [1])).text.count("generation") == 2


def record(number: int, sources: tuple[int, ...] = ()) -> SummaryRecord:
    return SummaryRecord(number, "text", 5, 1 if sources else 0, ((number, number),), sources)


def test_only_the_newest_compactions_are_listed() -> None:
    report = talked(8).report()
    event = CompactionEvent("manual", "none", "reduced", 10, 5, committed=True)
    events = tuple(replace(event, version=number, at_seq=9000 + number) for number in range(1, 31))
    text = read(html_of(replace(report, events=events))).text
    assert "the last 12 of 30" in text
    assert [number for number in range(1, 31) if f"m:{9000 + number}" in text] == list(range(19, 31))


def test_a_long_log_makes_no_long_display() -> None:
    """Points are thinned, both sides of a compaction kept; the strip draws every n-th message."""
    points = [Point(seq, 2 * seq, seq % 100) for seq in range(100_000)]
    points.insert(50_000, Point(49_999, 99_998, 3))
    fewer = thinned(points)
    assert len(fewer) < 2 * MOST
    assert (fewer[0], fewer[-1]) == (points[0], points[-1])
    assert {points[49_999], points[50_000]} <= set(fewer)
    drawn = read(strip(["kept", "edited"] * 30_000, "many"))
    assert len([name for name, _ in drawn.elements if name == "rect"]) <= STRIP + 1


def test_few_points_are_all_drawn() -> None:
    points = [Point(seq, seq, seq) for seq in range(10)]
    assert thinned(points) == points


def test_an_empty_session_is_shown() -> None:
    with Session(budget=Budget(context_window=1000)) as s:
        page = read(s._repr_html_())
        assert page.faults == []
        assert "tokens in 0 messages" in page.text
        assert s.report().timeline.points == ((0, 0, 0),)


def test_a_closed_session_says_so(tmp_path: Path) -> None:
    """In a notebook an exception would stand in the place of the display."""
    with Session(tmp_path / "a.db", "ada", budget=Budget(context_window=1000)) as s:
        s.append([user("hello")])
    text = read(s._repr_html_()).text
    assert "ada" in text
    assert "cannot be shown now" in text


def test_looking_changes_nothing() -> None:
    """No compaction, no event, no message, however often it is looked at."""
    s = talked()
    before = (s.events, s.view, wire(s.context()), s.stats)
    assert s._repr_html_() == s._repr_html_()
    assert (s.events, s.view, wire(s.context()), s.stats) == before


@pytest.mark.parametrize("policy", [Policy(), Policy.off(), Policy.layered(trigger=("messages", 10))])
def test_a_policy_without_a_trigger_in_tokens_has_none_drawn(policy: Policy) -> None:
    s = Session(budget=Budget(context_window=1000), policy=policy, counter=TokenCounter.of(WORDS))
    s.append(turns(1, 2))
    assert s.report().timeline.trigger is None
    assert "trigger" not in read(s._repr_html_()).text


def test_at_a_prompt_it_says_which_one_it_is():
    with session(session_id="ada") as s:
        s.append(turns(1, 2))
        told = repr(s)
    assert told == "<Session 'ada' in 'default': 4 messages said>"
    assert repr(s) == told
