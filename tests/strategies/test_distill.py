"""Distill: one working context takes the place of all summaries."""

from __future__ import annotations

from dataclasses import replace

import pytest

from context_compaction import Budget
from context_compaction.errors import InvalidPolicy
from context_compaction.strategies import Distill, Scene
from context_compaction.view import Gap, Summary, SummaryRecord, View
from tests.builders import assistant, drafted, lines, problem, scene_of, user


def piled(count: int, *, fresh: int = 1, size: int = 20, window: int = 8192) -> Scene:
    """A view with so many summaries over two messages each, the newest written in this compaction."""
    messages = [m for n in range(count + 1) for m in (user(f"q{n}"), assistant("a"))]
    text = lines(size, "fact")
    records = [SummaryRecord(n, text, 100, n % 2, ((2 * n - 1, 2 * n),)) for n in range(1, count + 1)]
    view = View(head=tuple(Summary(record.id) for record in records), head_end=2 * count)
    written = frozenset(range(count + 1 - fresh, count + 1))
    return scene_of(messages, summaries=records, view=view, window=window, written=written)


@pytest.mark.parametrize(("count", "wants"), [(1, False), (4, False), (5, True)])
def test_more_than_max_leaves(count: int, wants: bool) -> None:
    assert Distill().wants(piled(count)) is wants


def test_it_needs_two_and_a_summary_of_this_compaction() -> None:
    assert not Distill(max_leaves=0).wants(piled(1))
    assert Distill(max_leaves=0).wants(piled(2))
    assert not Distill(max_leaves=0).wants(piled(2, fresh=0))


@pytest.mark.parametrize("fresh", [0, 1])
def test_two_that_pass_a_quarter_of_the_input_as_they_are_shown(fresh: int) -> None:
    scene = piled(2, fresh=fresh)
    shown = scene.tokens - sum(scene.tokens_by_seq.values())
    assert shown > sum(summary.tokens for summary in scene.summaries.values())
    for window, wants in ((4 * shown - 40, True), (4 * shown + 40, False)):
        budget = Budget(window, reserve_tokens=0)
        assert Distill().wants(replace(scene, budget=budget)) is wants
        assert not Distill().wants(replace(piled(1, fresh=fresh), budget=Budget(300, reserve_tokens=0)))


def test_all_are_replaced_by_one_of_the_next_generation() -> None:
    scene = piled(5)
    (request,), proposal = drafted(Distill(), scene, "## Goal\nshort")
    (record,) = proposal.summaries
    assert request.kind == "distill"
    assert [passage.ref for passage in request.passages] == ["s:1", "s:2", "s:3", "s:4", "s:5"]
    assert (record.id, record.generation, record.sources, record.ranges) == (
        6,
        2,
        (1, 2, 3, 4, 5),
        ((1, 10),),
    )
    assert proposal.view.summaries == (6,)
    assert problem(scene, scene.with_view(proposal.view, proposal.summaries)) is None


def test_a_draft_that_failed_or_is_no_smaller_changes_nothing() -> None:
    scene = piled(5)
    assert drafted(Distill(), scene, None)[1].view is scene.view
    proposal = drafted(Distill(), scene, lines(500))[1]
    assert (proposal.view is scene.view, proposal.note) == (True, "the distilled context would be no smaller")


def listing(*lists: str) -> Scene:
    """Summaries that list facts, all of this compaction."""
    messages = [m for n in range(len(lists) + 1) for m in (user(f"q{n}"), assistant("a"))]
    words = "## Current State\n- as it was before\n"
    texts = [f"{words}## Verbatim Facts\n{each}" for each in lists]
    records = [SummaryRecord(n, text, 200, 0, ((2 * n - 1, 2 * n),)) for n, text in enumerate(texts, 1)]
    view = View(head=tuple(Summary(record.id) for record in records), head_end=2 * len(lists))
    return scene_of(messages, summaries=records, view=view, written=frozenset({1}))


def test_what_the_sources_list_is_carried_on_and_not_told() -> None:
    """Each fact once, and the drafter is asked for words only."""
    scene = listing(
        "- Instruction: Use tabs, please.\n- Paths: a.py; b.py", "- Dates: 8 May, 2023\n- Paths: b.py"
    )
    (request,), proposal = drafted(Distill(max_leaves=0), scene, "## Goal\nshort")
    assert {passage.text for passage in request.passages} == {"## Current State\n- as it was before"}
    (record,) = proposal.summaries
    listed = "- Instruction: Use tabs, please.\n- Paths: b.py; a.py\n- Dates: 8 May, 2023"
    assert record.text == f"## Goal\nshort\n## Verbatim Facts\n{listed}"
    assert record.fidelity == 1.0


def test_a_models_draft_under_the_floor_is_not_used() -> None:
    """Its sources stay in the view; what is code's own may be poorer."""
    crowded = "- Paths: " + "; ".join(f"src/module_{number}/part_{number}.py" for number in range(99))
    strict = Distill(max_leaves=0, fidelity_floor=0.9)
    _, proposal = drafted(strict, listing(crowded, crowded), "## Goal\nshort")
    assert (proposal.summaries, "under the floor" in proposal.note) == ((), True)
    assert drafted(strict, listing(crowded, crowded), "## Goal\nshort", is_model=False)[1].summaries


def test_gaps_stay() -> None:
    scene = piled(5)
    holed = scene.with_view(scene.view.without([11], [Gap(11, 11)]))
    assert drafted(Distill(), holed, "## Goal\nshort")[1].view.gaps == (Gap(11, 11),)


def test_options_that_mean_nothing() -> None:
    with pytest.raises(InvalidPolicy):
        Distill(max_leaves=-1)
    with pytest.raises(InvalidPolicy):
        Distill(share=0)
