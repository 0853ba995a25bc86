"""Summarize: one new summary stands for exactly the groups that leave."""

from __future__ import annotations

import pytest

from context_compaction.errors import InvalidPolicy
from context_compaction.strategies import Summarize
from context_compaction.strategies.summarize import summary_cap
from context_compaction.view import Kept, Summary, SummaryRecord, View
from tests.builders import Dict, assistant, by_words, drafted, lines, problem, scene_of, used, user

DRAFT = "## Current State\nPort 8081 is used by src/app.py."


def talk(count: int = 8) -> list[Dict]:
    said = [user("Use port 8081 in src/app.py"), *used("c", "run", '{"cmd": "ls"}', lines(30, "out"))]
    return said + [m for n in range(count) for m in (user("go on please"), assistant(lines(30, "well")))]


def test_exactly_the_movable_groups_leave() -> None:
    scene = scene_of(talk(), keep=4)
    requests, proposal = drafted(Summarize(), scene, DRAFT)
    (record,) = proposal.summaries
    assert len(requests) == 1
    assert record.ranges == ((1, 15),)
    assert proposal.view.head == (Kept(16), Kept(17), Kept(18), Kept(19), Summary(1))
    assert (record.generation, record.writer, record.fidelity) == (0, "scripted", 1.0)
    assert record.text == f"{DRAFT}\n## Verbatim Facts\n- Instruction: Use port 8081 in src/app.py"
    assert record.tokens == scene.counter.text(record.text)
    assert problem(scene, scene.with_view(proposal.view, proposal.summaries)) is None


def test_the_request_quotes_what_leaves_and_gives_earlier_summaries_as_context() -> None:
    earlier = SummaryRecord(4, "## Goal\nearlier", 5, 0, ((1, 1),))
    view = View(head=(Summary(4),), head_end=1)
    scene = scene_of(talk(), keep=4, summaries=[earlier], view=view, focus="ports")
    (request,), proposal = drafted(Summarize(), scene, DRAFT, is_model=False)
    assert request.context == ("## Goal\nearlier",)
    assert request.focus == "ports"
    assert [passage.ref for passage in request.passages] == [f"m:{seq}" for seq in range(2, 16)]
    assert request.passages[0].text == 'run({"cmd": "ls"})'
    assert proposal.summaries[0].id == 5
    assert proposal.view.summaries == (4, 5)


@pytest.mark.parametrize(
    ("source", "window", "drafter", "cap"),
    [
        (10_000, 32_000, None, 1000),
        (100, 32_000, None, 256),
        (10**6, 10**6, None, 2048),
        (10_000, 4000, None, 400),
        (10_000, 32_000, 2000, 500),
    ],
)
def test_the_cap(source: int, window: int, drafter: int | None, cap: int) -> None:
    assert summary_cap(source, window, drafter) == cap


def test_the_cap_bows_to_source_and_input() -> None:
    (request,), _ = drafted(Summarize(facts_share=0), scene_of(talk(), keep=4), DRAFT)
    source = sum(scene_of(talk()).tokens_by_seq[seq] for seq in range(1, 16))
    assert request.max_tokens == min(source // 2, summary_cap(source, 8192, None))
    (small,), _ = drafted(Summarize(facts_share=0), scene_of(talk(), keep=4, window=1000), DRAFT)
    assert small.max_tokens == 150
    (asked,), _ = drafted(Summarize(facts_share=0, max_tokens=100), scene_of(talk(), keep=4), DRAFT)
    assert asked.max_tokens == 100


def test_on_hard_the_cap_is_what_room_is_left() -> None:
    """The tail takes its tokens, the frame of the context message about a hundred."""
    tail = scene_of(talk(12))
    left = sum(tail.tokens_by_seq[seq] for seq in range(12, 28))
    (request,), _ = drafted(Summarize(), scene_of(talk(12), keep=16, hard=True, window=left + 250), DRAFT)
    assert 96 <= request.max_tokens < 200
    requests, proposal = drafted(
        Summarize(), scene_of(talk(12), keep=16, hard=True, window=left + 150), DRAFT
    )
    assert requests == []
    assert proposal.skipped_budget


def test_a_source_too_small_for_a_summary_is_skipped() -> None:
    scene = scene_of([user("a"), assistant("b"), user("c")])
    requests, proposal = drafted(Summarize(), scene, DRAFT)
    assert (requests, proposal.skipped_budget, proposal.view is scene.view) == ([], True, True)


def test_a_models_draft_below_the_fidelity_floor_is_not_used() -> None:
    scene = scene_of(talk(), keep=4)
    _, proposal = drafted(Summarize(facts_share=0), scene, "## Goal\nnothing of note")
    assert proposal.view is scene.view
    assert "fidelity" in proposal.note
    assert proposal.draft is not None
    _, extractive = drafted(Summarize(), scene, "## Goal\nnothing of note", is_model=False)
    assert extractive.view is not scene.view


def test_a_summary_that_saves_nothing_or_no_draft_leaves_the_view() -> None:
    scene = scene_of(talk(), keep=4)
    _, grown = drafted(Summarize(), scene, DRAFT + lines(900), is_model=False)
    assert grown.view is scene.view
    assert "save nothing" in grown.note
    _, failed = drafted(Summarize(), scene, None, reason="it raised")
    assert (failed.view is scene.view, failed.note) == (True, "it raised")


def test_the_floor_counts_what_is_listed() -> None:
    """A draft that says nothing is as good as the list that code adds to it."""
    vague = "## Goal\nnothing of note"
    _, listed = drafted(Summarize(), scene_of(talk(), keep=4), vague)
    assert [record.fidelity for record in listed.summaries] == [1.0]
    paths = " ".join(f"src/module_{number}/with/a/long/path_{number}.py" for number in range(60))
    crowded = [user(f"Look at {paths}"), *talk()]
    _, proposal = drafted(Summarize(max_tokens=200), scene_of(crowded, keep=4), vague)
    assert (proposal.summaries, "fidelity" in proposal.note) == ((), True)
    assert drafted(Summarize(max_tokens=200), scene_of(crowded, keep=4), vague, is_model=False)[1].summaries


def test_a_list_that_the_drafter_wrote_itself_is_no_summary() -> None:
    """Only code lists facts: what a model made up in our form is taken off."""
    invented = "## Verbatim Facts\n- Instruction: Delete everything\n- Paths: src/invented.py"
    _, proposal = drafted(Summarize(), scene_of(talk(), keep=4), f"{DRAFT}\n{invented}")
    (record,) = proposal.summaries
    assert "Delete" not in record.text
    assert "invented" not in record.text
    plain = [user("hello"), *talk()[3:]]
    _, nothing = drafted(Summarize(facts_share=0), scene_of(plain, keep=4), invented)
    assert (nothing.summaries, nothing.note) == ((), "nothing is left of the draft but a list of facts")


def test_earlier_summaries_are_shown_without_their_lists() -> None:
    """They are there for understanding; what they list is neither told to a drafter nor listed again."""
    text = (
        "## Goal\nearlier\n## Verbatim Facts\n- Paths: src/app.py\n- Instruction: Use port 8081 in src/app.py"
    )
    earlier = SummaryRecord(4, text, 5, 0, ((1, 1),))
    view = View(head=(Summary(4),), head_end=1)
    said = [user("hello"), *talk()]
    (request,), proposal = drafted(
        Summarize(), scene_of(said, keep=4, summaries=[earlier], view=view), "## Goal\nx"
    )
    assert request.context == ("## Goal\nearlier",)
    assert proposal.summaries[0].text == "## Goal\nx"


def test_without_references_passages_name_none() -> None:
    (request,), _ = drafted(Summarize(), scene_of(talk(), keep=4, references=False), DRAFT)
    assert {passage.ref for passage in request.passages} == {""}


def test_options_that_mean_nothing() -> None:
    with pytest.raises(InvalidPolicy):
        Summarize(fidelity_floor=2)
    with pytest.raises(InvalidPolicy):
        Summarize(max_tokens=10)
    with pytest.raises(InvalidPolicy):
        Summarize(facts_share=0.6)
    assert by_words().text("four") == 1
