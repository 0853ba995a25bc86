"""Cases that reports from the field call missing or late: chunks, tiny windows, pins, many compactions."""

from __future__ import annotations

import re

import pytest

from context_compaction import Budget, CannotCompact, CompactionEvent, Policy, Session
from context_compaction.drafting.base import DraftRequest
from context_compaction.policy import layered, truncating
from context_compaction.testing.drafters import ScriptedDrafter
from tests.session.talks import INPUT, dicts, filling, session, size, turns
from tests.windows import WORDS, answers, asks, assistant, system, user

MARKER = re.compile(r"MARKER-\d+")


def copying(request: DraftRequest) -> str:
    """A summary of nothing but the markers in its source."""
    found = MARKER.findall(" ".join(passage.text for passage in request.passages))
    return "## Current State\n- seen " + " ".join(dict.fromkeys(found))


def test_a_marker_in_the_oldest_chunk_reaches_the_summary() -> None:
    """A range of six windows goes to the drafter as chunks, and the first marker comes out of the fold."""
    drafter = ScriptedDrafter(copying, window=400)
    s = session(window=4000, drafter=drafter)
    s.append(user("please remember MARKER-1 " + "word " * 40))
    s.append(filling(3500))
    event = s.after_turn()
    assert event is not None
    assert event.outcome == "summarized"
    assert "MARKER-1" in s.context()[0].text
    chunks = [request for request in drafter.requests if request.kind == "summary"]
    folds = [request for request in drafter.requests if request.kind == "distill"]
    assert len(chunks) >= 6
    assert folds
    for request in drafter.requests:
        asked = sum(WORDS.text(passage.text) for passage in request.passages)
        assert asked + request.max_tokens < 400
    refs = [passage.ref for request in chunks for passage in request.passages]
    assert refs == sorted(refs, key=lambda ref: int(ref[2:]))
    assert {f"m:{seq}" for seq in s.view.accounted(s._core.state.live.summaries)} >= set(refs)


def test_one_message_longer_than_the_drafters_window_is_cut_and_folded() -> None:
    """Beginning and end of it are both in the summary."""
    drafter = ScriptedDrafter(copying, window=300)
    s = session(window=4000, drafter=drafter)
    s.append([user("MARKER-1 " + "word " * 2500 + "MARKER-2"), *turns(1, 5), user("and now?")])
    s.compact()
    text = s.context()[0].text
    assert "MARKER-1" in text
    assert "MARKER-2" in text


@pytest.mark.parametrize("window", [64, 96, 128, 192, 256, 384, 512])
@pytest.mark.parametrize("preset", ["layered", "masking", "truncating", "extractive", "anchored"])
def test_a_tiny_window_fits_or_says_why_not(window: int, preset: str) -> None:
    """Every request of a tool-using talk: inside the input, or an itemised floor over it. Nothing is lost."""
    s = Session(budget=Budget(window), policy=Policy.named(preset), counter=WORDS)
    limit = s.stats.input_tokens
    said = [system("be brief and kind"), *turns(1, 3, 12), asks("c1", "c2")]
    said += [answers("c1", "line " * 300), answers("c2", "word " * 90), *turns(4, 3, 30)]
    fitted, refusals = 0, list[tuple[CannotCompact, CompactionEvent]]()
    for message in said:
        s.append(message)
        try:
            shown = s.context()
        except CannotCompact as error:
            refusals.append((error, s.events[-1]))
        else:
            fitted += 1
            assert size(shown) <= limit
        s.after_turn()
    assert fitted
    assert refusals or window > 64
    for error, event in refusals:
        assert error.floor_tokens > limit == error.input_tokens
        assert error.items == event.items
        assert sum(tokens for _, tokens in error.items) == error.floor_tokens
    assert dicts(s.history()) == said


def test_newest_user_message_stays_when_pins_overflow() -> None:
    """Pins that pass the input are refused by name; nothing is lost, and unpinning them is the way out."""
    s = session(is_pinned=lambda message: "PIN" in message.text)
    said = [user(f"PIN {number} " + "rule " * 150) for number in range(8)] + [user("the question")]
    s.append(said)
    with pytest.raises(CannotCompact, match="unpin") as caught:
        s.context()
    items = dict(caught.value.items)
    assert items["pins"] >= 8 * 152
    assert items["newest user message"] == 6
    assert dicts(s.history()) == said
    assert s.view.version == 0
    for seq in range(3, 9):
        s.unpin(f"m:{seq}")
    shown = s.context()
    assert size(shown) <= INPUT
    assert shown[-1].text == "the question"
    assert "PIN 0" in shown[0].text
    assert "PIN 1" in shown[0].text


def test_everything_pinned_is_refused_or_fits_whole() -> None:
    """Under the input all of it is shown; over it nothing may leave, and the error says so."""
    s = session(is_pinned=lambda message: True)
    s.append(filling(950))
    assert size(s.context()) == 950
    assert s.compact().outcome == "nothing_to_do"
    s.append(turns(90, 1))
    with pytest.raises(CannotCompact) as caught:
        s.context()
    assert dict(caught.value.items)["pins"] > 900
    assert len(s.history()) == s.stats.messages_said == len(filling(950)) + 2


def test_a_pinned_newest_message_that_cannot_fit_is_not_clamped() -> None:
    """Unpinned it is shown in part, with its reference; pinned it stays word for word or is refused."""
    long = "word " * 1500
    free, pinned = session(), session(is_pinned=lambda message: True)
    for s in (free, pinned):
        s.append(user(long))
    assert "m:1" in free.context()[-1].text
    with pytest.raises(CannotCompact):
        pinned.context()
    assert pinned.history()[0].text == long


SIXTY = "## Current State\n- " + " ".join(f"point{number}" for number in range(60))


@pytest.mark.parametrize("drafter", [None, ScriptedDrafter(SIXTY, name="model")], ids=["extractive", "model"])
@pytest.mark.parametrize("max_leaves", [0, 2, 4])
def test_twenty_compactions_do_not_stack(max_leaves: int, drafter: ScriptedDrafter | None) -> None:
    """At most ``max_leaves`` summaries and the newest, their tokens capped, each leading to its messages."""
    rule = layered(max_leaves=max_leaves)
    s = session(window=2000, policy=Policy.both(rule), drafter=drafter)
    said: list[dict[str, object]] = []
    generations: set[int] = set()
    number = 0
    while s.stats.compactions < 20:
        number += 1
        assert number < 500, "nothing is compacted any more"
        said += turns(number, 1, words=60)
        s.append(said[-2:])
        before = s.view
        s.after_turn()
        if s.view is before:
            continue
        records = s._core.state.live.summaries
        assert 1 <= len(records) <= max(1, max_leaves)
        assert sum(record.tokens for record in records.values()) <= 0.4 * 2000
        assert s.view.accounted(records) == set(range(1, len(said) + 1))
        for ref, record in ((record.ref, record) for record in records.values()):
            assert dicts(s.expand(ref)) == [said[seq - 1] for seq in record.seqs]
            generations.add(record.generation)
        assert size(s.context()) <= 0.85 * 2000
    assert dicts(s.history()) == said
    assert max(generations) >= 3
    assert s._archive.summaries(s._current()).keys() == set(range(1, s._core.state.live.next_summary))


def test_lineage_leads_from_the_last_summary_to_every_message_that_left() -> None:
    """Generation is one more than the highest source's, ranges are the union of the sources', none twice."""
    s = session(window=2000, policy=Policy.both(layered(max_leaves=2)))
    for number in range(80):
        s.append(turns(number, 1, words=60))
        s.after_turn()
    records = s._archive.summaries(s._current())
    assert len(records) > 10
    for record in records.values():
        sources = [records[number] for number in record.sources]
        if not sources:
            assert record.generation == 0
            continue
        assert len(sources) >= 2
        assert record.generation == 1 + max(source.generation for source in sources)
        assert record.seqs == sorted(seq for source in sources for seq in source.seqs)
        assert record.tokens < sum(source.tokens for source in sources)


def test_a_second_compaction_gives_the_first_summary_as_context_only() -> None:
    """What was summarised is not summarised again: the drafter reads it beside the new messages."""
    drafter = ScriptedDrafter(copying)
    s = session(drafter=drafter)
    s.append(user("MARKER-1 " + "word " * 50))
    s.append(filling(900))
    s.compact()
    s.append([user("MARKER-2 " + "word " * 50), *turns(70, 6)])
    s.compact()
    first, second = (request for request in drafter.requests if request.kind == "summary")
    assert "MARKER-1" in " ".join(passage.text for passage in first.passages)
    assert "MARKER-1" not in " ".join(passage.text for passage in second.passages)
    assert any("MARKER-1" in text for text in second.context)
    text = s.context()[0].text
    assert "MARKER-1" in text
    assert "MARKER-2" in text


def test_a_huge_group_of_results_fits_by_clamping_and_stays_whole() -> None:
    """One call with 20 results, all newest: each is cut to fit, none is dropped, all come back."""
    ids = [f"c{number}" for number in range(20)]
    said = [user("look everywhere"), asks(*ids), *(answers(name, "finding " * 400) for name in ids)]
    s = session(window=4000, policy=Policy.both(truncating()))
    s.append(said)
    shown = s.context()
    assert size(shown) <= 4000
    assert [message.role for message in shown] == ["user", "assistant", *["tool"] * 20]
    assert all(f"m:{seq}" in shown[seq - 1].text for seq in range(3, 13))
    assert dicts(s.history()) == said


def test_the_last_answer_may_be_the_only_thing_left() -> None:
    """A talk that the assistant begins opens with a user-role line all the same."""
    s = session()
    s.append([assistant("hello, I begin"), *turns(1, 12)])
    shown = s.context()
    assert shown[0].role == "user"
    assert size(shown) <= INPUT
